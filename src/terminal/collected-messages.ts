import { isInteractive } from './is-interactive.ts'
import { toPrintableDocument } from './printable.ts'
import { type Streams, writeMessage } from './streams.ts'

/**
 * Keeps a message for the document. Returns false if it must be printed at once: as text, or to a user who is being
 * prompted.
 */
export function collectMessage(streams: Streams, kind: 'warnings' | 'notes' | 'calls', text: string): boolean {
  const { collected } = streams
  if (!collected?.isJson() || isInteractive(streams)) return false
  collected[kind] = [...(collected[kind] ?? []), text]
  return true
}

/** Keeps the error for the document. */
export function collectError({ collected }: Streams, error: object): void {
  if (collected) collected.error ??= error
}

/** Whether there is a document to print. */
export function hasCollectedMessages({ collected = { isJson: () => false } }: Streams): boolean {
  const { error, warnings, notes, calls } = collected
  return Boolean(error || warnings || notes || calls)
}

/** Prints the document, unless it would be empty. The program calls it once more when it ends early. */
export function printCollectedMessages(streams: Streams): void {
  const { collected } = streams
  if (!collected) return
  if (hasCollectedMessages(streams)) {
    const { error, warnings, notes, calls } = collected
    writeMessage(streams, `${toPrintableDocument(JSON.stringify({ error, warnings, notes, calls }, null, 2))}\n`)
  }
  for (const kind of ['error', 'warnings', 'notes', 'calls'] as const) delete collected[kind]
}
