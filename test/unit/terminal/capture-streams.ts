import { PassThrough } from 'node:stream'
import { printCollectedMessages } from '../../../src/terminal/collected-messages.ts'
import type { Streams, TerminalOptions } from '../../../src/terminal/streams.ts'

export interface CaptureOptions {
  readonly terminal?: boolean
  readonly columns?: number
  readonly env?: Record<string, string>
  readonly flags?: TerminalOptions
  /** As with `-o json`. */
  readonly json?: boolean
}

/** Streams that record the output, as a terminal or as pipes. */
export function captureStreams({
  terminal = false,
  columns = 80,
  env = {},
  flags = {},
  json = false,
}: CaptureOptions = {}) {
  const facts = terminal ? { isTTY: true, columns } : { isTTY: false }
  const stdin = Object.assign(new PassThrough(), { isTTY: terminal })
  const stdout = Object.assign(new PassThrough(), facts)
  const stderr = Object.assign(new PassThrough(), facts)
  const streams: Streams = { stdin, stdout, stderr, env, options: flags, collected: { isJson: () => json } }
  const readMessages = () => {
    printCollectedMessages(streams)
    return String(stderr.read() ?? '')
  }
  return { streams, stdout: () => String(stdout.read() ?? ''), stderr: readMessages }
}
