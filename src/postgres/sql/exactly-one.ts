/** The one row of a statement that answers exactly one. */
export function exactlyOne<T>({ rows }: { rows: readonly T[] }): T {
  const [row] = rows
  if (row === undefined) throw new Error('A statement that answers one row answered none.')
  return row
}
