import { FORMATS } from './formats.ts'
import { InvalidPostgresMessage } from './invalid-message.ts'
import { MessageReader } from './message-reader.ts'

const HEADER_BYTES = 5
const MAX_MESSAGE_BYTES = 1024 * 1024
const MAX_ROW_BYTES = 32 * 1024 * 1024
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_ANSWER_ROWS = 250_000

/**
 * Returns a function that takes the data from the server, in chunks of any size, and returns the messages that are
 * complete and valid, or undefined if no message is complete yet. Throws InvalidPostgresMessage.
 */
export function messageChecker(): (chunk: Buffer) => Buffer | undefined {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let neededBytes = HEADER_BYTES
  const checkMessage = messageRules()
  return chunk => {
    pending.push(chunk)
    pendingBytes += chunk.length
    if (pendingBytes < neededBytes) return undefined
    const received = pending.length === 1 ? chunk : Buffer.concat(pending)
    let at = 0
    neededBytes = HEADER_BYTES
    while (received.length - at >= HEADER_BYTES) {
      const kind = String.fromCharCode(received[at] ?? 0)
      const size = 1 + checkedLength(kind, received.readUInt32BE(at + 1))
      if (received.length - at < size) {
        neededBytes = size
        break
      }
      checkMessage(kind, received.subarray(at + HEADER_BYTES, at + size))
      at += size
    }
    pending = at === received.length ? [] : [received.subarray(at)]
    pendingBytes = received.length - at
    return at === 0 ? undefined : received.subarray(0, at)
  }
}

function checkedLength(kind: string, length: number): number {
  if (!(kind in FORMATS)) throw new InvalidPostgresMessage('an unknown kind of message')
  if (length < 4) throw new InvalidPostgresMessage('a message with an impossible length')
  if (length > (kind === 'D' ? MAX_ROW_BYTES : MAX_MESSAGE_BYTES))
    throw new InvalidPostgresMessage('a message that is too long')
  return length
}

/** The rules that span several messages: rows match their description, and an answer has a limited size. */
function messageRules(): (kind: string, body: Buffer) => void {
  let columns: number | undefined
  let bytes = 0
  let rows = 0
  return (kind, body) => {
    const fields = FORMATS[kind]?.(new MessageReader(body))
    if (kind === 'T') columns = fields
    else if (kind === 'D') {
      bytes += body.length
      if (fields !== columns) throw new InvalidPostgresMessage('a row that does not match its description')
      if (bytes > MAX_ANSWER_BYTES || ++rows > MAX_ANSWER_ROWS)
        throw new InvalidPostgresMessage('an answer that is too long')
    } else if (ENDS_AN_ANSWER.includes(kind)) {
      columns = undefined
      bytes = 0
      rows = 0
    }
  }
}

const ENDS_AN_ANSWER = ['C', 'E', 'I', 'Z']
