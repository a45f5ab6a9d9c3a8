/** The values of a comma-separated list. */
export function splitList(list: string): readonly string[] {
  return list.split(',').map(value => value.trim())
}
