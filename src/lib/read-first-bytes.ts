import type { Duplex } from 'node:stream'

/**
 * Reads the first bytes that a server sends, at least `minBytes`, to check the server's protocol before a driver parses
 * them. With `putBack`, the next reader gets the bytes again. Undefined if the server closes the connection first.
 */
export function readFirstBytes(
  stream: Duplex,
  { minBytes, putBack }: { minBytes: number; putBack: boolean },
): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    let seen = Buffer.alloc(0)
    const finish = (bytes: Buffer | undefined) => {
      for (const [event, listener] of Object.entries(listeners)) stream.off(event, listener)
      if (bytes && putBack) stream.unshift(bytes)
      resolve(bytes)
    }
    const read = () => {
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) seen = Buffer.concat([seen, chunk])
      if (seen.length >= minBytes) finish(seen)
    }
    const closed = () => finish(undefined)
    const listeners = { readable: read, end: closed, close: closed, error: closed }
    for (const [event, listener] of Object.entries(listeners)) stream.on(event, listener)
    read()
  })
}
