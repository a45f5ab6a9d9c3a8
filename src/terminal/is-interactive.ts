import type { Streams } from './streams.ts'

/** Whether dsctl may prompt: all three streams are terminals, and prompting has not been disabled. */
export function isInteractive(streams: Streams): boolean {
  const { stdin, stdout, stderr, env, options } = streams
  if (options?.input === false || env.DSCTL_NO_INPUT || env.CI) return false
  return stdin.isTTY === true && stdout.isTTY === true && stderr.isTTY === true
}
