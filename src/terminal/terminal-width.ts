import type { Output, Streams } from './streams.ts'

/**
 * The width of a terminal in columns: COLUMNS if it is set, otherwise the width that the terminal reports. Undefined if
 * `output` is not a terminal, or if its width is unknown, as with `docker exec -t`. Nothing is truncated in that case.
 */
export function terminalWidth({ env }: Pick<Streams, 'env'>, output: Output): number | undefined {
  if (!output.isTTY) return undefined
  return positive(Number(env.COLUMNS)) ?? positive(output.columns)
}

function positive(columns: number | undefined): number | undefined {
  return columns !== undefined && Number.isInteger(columns) && columns > 0 ? columns : undefined
}
