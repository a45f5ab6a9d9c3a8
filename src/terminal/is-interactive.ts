import type { Streams } from './streams.ts'

/** Whether a person may be asked: all three streams are terminals, and nobody said not to. */
export function isInteractive(streams: Streams): boolean {
  const { stdin, stdout, stderr, env, options } = streams
  if (options?.input === false || env.DSCTL_NO_INPUT || env.CI) return false
  return stdin.isTTY === true && stdout.isTTY === true && stderr.isTTY === true
}
