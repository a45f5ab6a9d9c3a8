/** The only row of a result. Throws if there is none. */
export function exactlyOne<T>({ rows }: { rows: readonly T[] }): T {
  const [row] = rows
  if (row === undefined) throw new Error('Expected one row, but the statement returned none.')
  return row
}
