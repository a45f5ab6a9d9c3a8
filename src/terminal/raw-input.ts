import { StringDecoder } from 'node:string_decoder'
import { DsctlError } from '../domain/errors.ts'
import { watchForResume } from './job-control.ts'
import { PromptCancelled, WentBack } from './prompt-exit.ts'
import { withoutPasteMarkers } from './prompt-keys.ts'
import { type Streams, withTerminal, writeMessage } from './streams.ts'

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const ESCAPE = '\u001b'
const ERASERS = new Set(['\b', '\u007f'])
const CLEAR_LINE = '\r\u001b[2K'
const QUIET_MS = 40

/**
 * Reads several lines without showing them, up to Ctrl-D or to a line with only a dot; shows only their number. The
 * terminal's echo stays off until no more input arrives. Throws PromptCancelled on Ctrl-C, and WentBack on Escape if
 * going back is possible.
 */
export function readPasted(streams: Streams): Promise<string> {
  return withTerminal(streams, () =>
    withoutEcho(streams, async () => {
      const decoder = new StringDecoder('utf8')
      let text = ''
      await eachChunk(streams, chunk => {
        text += typeof chunk === 'string' ? chunk : decoder.write(chunk)
        if (text.includes(CTRL_C)) throw new PromptCancelled()
        if (streams.canGoBack && chunk.toString() === ESCAPE) throw new WentBack()
        writeMessage(streams, `${CLEAR_LINE}${linesRead(text)}`)
        return pastedText(text) !== undefined
      }).finally(() => writeMessage(streams, '\n'))
      await drainInput(streams)
      return pastedText(text) ?? ''
    }),
  )
}

/**
 * Discards input after an answer, so that it is neither shown nor taken as the next answer. Returns whether there was
 * any.
 */
export function discardInput(streams: Streams): Promise<boolean> {
  return withoutEcho(streams, () => drainInput(streams))
}

async function withoutEcho<T>(streams: Streams, work: () => Promise<T>): Promise<T> {
  const { stdin } = streams
  stdin.setRawMode?.(true)
  const unwatch = watchForResume(streams, () => {})
  try {
    return await work()
  } finally {
    unwatch()
    stdin.setRawMode?.(false)
    stdin.pause()
  }
}

function eachChunk({ stdin }: Streams, isLast: (chunk: Buffer | string) => boolean): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const onEnd = () => finish(() => reject(new DsctlError('interrupted', 'The input ended: nothing was changed.')))
    const onData = (chunk: Buffer | string) => {
      try {
        if (isLast(chunk)) finish(resolve)
      } catch (error) {
        finish(() => reject(error))
      }
    }
    function finish(settle: () => void): void {
      stdin.removeListener('data', onData)
      stdin.removeListener('end', onEnd)
      settle()
    }
    stdin.on('data', onData)
    stdin.on('end', onEnd)
    stdin.resume()
  })
}

/** Reads until no input has arrived for QUIET_MS; returns whether any arrived. */
async function drainInput({ stdin }: Streams): Promise<boolean> {
  let received = false
  let quiet = false
  const onData = () => {
    received = true
    quiet = false
  }
  stdin.on('data', onData)
  stdin.resume()
  while (!quiet) {
    quiet = true
    await new Promise(resolve => setTimeout(resolve, QUIET_MS))
  }
  stdin.removeListener('data', onData)
  return received
}

// In raw mode a terminal sends a carriage return at the end of each line, and may put markers around a paste.
function pastedText(raw: string): string | undefined {
  const text = applyErasers(withoutPasteMarkers(raw).replace(/\r\n?/g, '\n'))
  const dot = /(^|\n)\.\n/.exec(text)
  const end = text.indexOf(CTRL_D)
  if (dot && (end < 0 || dot.index < end)) return text.slice(0, dot.index + (dot[1]?.length ?? 0))
  return end < 0 ? undefined : text.slice(0, end)
}

function applyErasers(text: string): string {
  if (![...ERASERS].some(eraser => text.includes(eraser))) return text
  const kept: string[] = []
  for (const character of text) {
    if (!ERASERS.has(character)) kept.push(character)
    else if (kept.length > 0 && kept.at(-1) !== '\n') kept.pop()
  }
  return kept.join('')
}

function linesRead(raw: string): string {
  const count = raw.replace(/\r\n?/g, '\n').split('\n').length - 1
  return `${count} line${count === 1 ? '' : 's'} read`
}
