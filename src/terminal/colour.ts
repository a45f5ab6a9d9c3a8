import type { Output, Streams } from './streams.ts'

/** The meaning of a piece of text; a painter gives it a colour. */
export type Tone = 'good' | 'bad' | 'warning' | 'faint' | 'strong'

/** Colours a text according to its tone, or returns it unchanged. */
export type Painter = (text: string, tone: Tone | undefined) => string

/**
 * Whether to colour `output`. In this order: `--no-color`, FORCE_COLOR, NO_COLOR, TERM=dumb, whether it is a terminal.
 */
export function isColourEnabled(streams: Streams, output: Output): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = streams.env
  if (streams.options?.color === false) return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  if (NO_COLOR) return false
  if (TERM === 'dumb') return false
  return output.isTTY === true
}

/** The painter for `output`. Loads chalk only if colours are enabled. */
export async function loadPainter(streams: Streams, output: Output): Promise<Painter> {
  if (!isColourEnabled(streams, output)) return text => text
  const { Chalk } = await import('chalk')
  const chalk = new Chalk({ level: 1 })
  const tones = { good: chalk.green, bad: chalk.red, warning: chalk.yellow, faint: chalk.dim, strong: chalk.bold }
  return (text, tone) => (tone ? tones[tone](text) : text)
}
