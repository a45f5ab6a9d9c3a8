import { StringDecoder } from 'node:string_decoder'
import { DsctlError } from '../domain/errors.ts'
import { watchForResume } from './job-control.ts'
import { type Streams, withTerminal, writeMessage } from './streams.ts'

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const ERASERS = new Set(['\b', '\u007f'])
const CLEAR_LINE = '\r\u001b[2K'
const QUIET_MS = 40

/**
 * Reads several lines that are never shown, up to a line with only a dot or to Ctrl-D; only their number is told.
 * The terminal's echo is off from before the first is read until nothing more comes. Throws `interrupted` on Ctrl-C.
 */
export function readPasted(streams: Streams): Promise<string> {
  return withTerminal(streams, () =>
    withoutEcho(streams, async () => {
      const decoder = new StringDecoder('utf8')
      let text = ''
      await eachChunk(streams, chunk => {
        text += typeof chunk === 'string' ? chunk : decoder.write(chunk)
        if (text.includes(CTRL_C)) throw new DsctlError('interrupted', 'Interrupted: nothing was changed.')
        writeMessage(streams, `${CLEAR_LINE}${linesRead(text)}`)
        return pastedText(text) !== undefined
      }).finally(() => writeMessage(streams, '\n'))
      await drainInput(streams)
      return pastedText(text) ?? ''
    }),
  )
}

/** Throws away what was typed or pasted beyond an answer, so that it is neither shown nor taken for the next one. */
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

/** Reads until nothing has come for a moment; whether anything came. */
async function drainInput({ stdin }: Streams): Promise<boolean> {
  let came = false
  let quiet = false
  const onData = () => {
    came = true
    quiet = false
  }
  stdin.on('data', onData)
  stdin.resume()
  while (!quiet) {
    quiet = true
    await new Promise(resolve => setTimeout(resolve, QUIET_MS))
  }
  stdin.removeListener('data', onData)
  return came
}

// A terminal in raw mode sends a carriage return for each line's end, and may put marks around what is pasted.
function pastedText(raw: string): string | undefined {
  const text = applyErasers(raw.replaceAll('\u001b[200~', '').replaceAll('\u001b[201~', '').replace(/\r\n?/g, '\n'))
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
