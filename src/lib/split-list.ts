/** The values of a list that is separated by commas. */
export function splitList(list: string): readonly string[] {
  return list.split(',').map(value => value.trim())
}
