/** A message of the Postgres protocol. Messages before the session (startup, SSL, cancel) have type ''. */
export interface WireMessage {
  readonly type: string
  readonly body: Buffer
  /** The entire message, as sent. */
  readonly raw: Buffer
}

export const SSL_REQUEST = 80877103
export const GSS_REQUEST = 80877104
export const CANCEL_REQUEST = 80877102

/** Splits a stream into messages: returns a function that takes a chunk and returns the messages now complete. */
export function wireReader(side: 'frontend' | 'backend'): (chunk: Buffer) => WireMessage[] {
  let rest: Buffer = Buffer.alloc(0)
  let typed = side === 'backend'
  return chunk => {
    rest = Buffer.concat([rest, chunk])
    const messages: WireMessage[] = []
    for (;;) {
      const message = firstMessage(rest, typed)
      if (!message) return messages
      rest = rest.subarray(message.raw.length)
      messages.push(message)
      if (!typed) typed = ![SSL_REQUEST, GSS_REQUEST].includes(message.body.readInt32BE(0))
    }
  }
}

function firstMessage(buffer: Buffer, typed: boolean): WireMessage | undefined {
  const header = typed ? 1 : 0
  if (buffer.length < header + 4) return undefined
  const end = header + buffer.readInt32BE(header)
  if (buffer.length < end) return undefined
  const type = typed ? String.fromCharCode(buffer.readUInt8(0)) : ''
  return { type, body: buffer.subarray(header + 4, end), raw: buffer.subarray(0, end) }
}

/** Builds a message from its type and the parts of its body. */
export function wireMessage(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

/** Text in the protocol's format, terminated by a zero byte. */
export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}

/** The zero-terminated texts at the start of a body. */
export function cstrings(body: Buffer): string[] {
  return body.toString().split('\0')
}
