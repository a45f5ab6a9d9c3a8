import { PassThrough } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Input } from './streams.ts'

/** The keys that a prompt reads. */
export interface PromptKeys extends Input {
  /** Stops reading standard input. */
  detach(): void
}

/** Removes the markers that a terminal may put around pasted text. */
export function withoutPasteMarkers(text: string): string {
  return text.replaceAll('\u001b[200~', '').replaceAll('\u001b[201~', '')
}

/**
 * Standard input as a prompt reads it. Text that arrives at once, as a paste does, becomes one key, so that the prompt
 * is drawn once and not for each character.
 */
export function promptKeys(stdin: Input): PromptKeys {
  const decoder = new StringDecoder('utf8')
  const keys = new PassThrough()
  const sender = sequence(part => send(keys, part))
  let last = ''
  const onData = (chunk: Buffer | string) => {
    const text = withoutPasteMarkers(typeof chunk === 'string' ? chunk : decoder.write(chunk))
    // The rest of an escape sequence is not text.
    const parts = INCOMPLETE_SEQUENCE.test(last) ? [...text] : (text.match(PARTS) ?? [])
    sender.add(parts)
    last = parts.at(-1) ?? ''
  }
  const onEnd = () => keys.emit('end')
  stdin.on('data', onData)
  stdin.on('end', onEnd)
  return Object.assign(keys, {
    isTTY: stdin.isTTY,
    setRawMode: (raw: boolean) => stdin.setRawMode?.(raw),
    resume() {
      stdin.resume()
      return keys
    },
    pause() {
      stdin.pause()
      return keys
    },
    detach() {
      sender.drop()
      stdin.removeListener('data', onData)
      stdin.removeListener('end', onEnd)
    },
  })
}

/** Escape sequences such as those of the arrow keys, text without control characters, and control characters. */
const ESC = '\u001b'
const PARTS = new RegExp(`${ESC}\\[[\\d;?]*[@-~]?|${ESC}O?[^${ESC}]?|\\P{Cc}+|\\p{Cc}`, 'gu')
const INCOMPLETE_SEQUENCE = new RegExp(`^${ESC}(\\[[\\d;?]*|O)?$`)

/**
 * Sends parts in order. What follows a text waits for a moment: a list that the text filters is not ready yet, and Enter
 * would select from the list before.
 */
function sequence(sendPart: (part: string) => void): { add(parts: readonly string[]): void; drop(): void } {
  const waiting: string[] = []
  let timer: NodeJS.Immediate | undefined
  const next = () => {
    timer = undefined
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      sendPart(part)
      if (waiting.length === 0 || !isText(part)) continue
      timer = setImmediate(next)
      return
    }
  }
  return {
    add(parts) {
      waiting.push(...parts)
      if (!timer) next()
    },
    drop() {
      waiting.length = 0
      clearImmediate(timer)
    },
  }
}

function isText(part: string): boolean {
  return /^\P{Cc}+$/u.test(part)
}

// Each part is sent by itself. If readline gets several keys at once, it appends typed text instead of inserting it.
function send(keys: PassThrough, part: string): void {
  if (part.length > 1 && isText(part)) typeText(keys, part)
  else keys.emit('data', part)
}

/** Enters a text without control characters as if the user had typed it. */
export function typeText(keys: Input, text: string): void {
  keys.emit('keypress', text, { sequence: text })
}
