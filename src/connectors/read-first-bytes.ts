import type { Duplex } from 'node:stream'

/**
 * The first bytes that a server sends, at least `least` of them; what it says of itself tells whether it is the right
 * kind before a driver has to parse it. Undefined where it ends the connection first. With `keep`, whoever reads next
 * gets them again.
 */
export function readFirstBytes(stream: Duplex, least: number, keep: boolean): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    let seen = Buffer.alloc(0)
    const end = (bytes: Buffer | undefined) => {
      for (const [event, listener] of Object.entries(listeners)) stream.off(event, listener)
      if (bytes && keep) stream.unshift(bytes)
      resolve(bytes)
    }
    const read = () => {
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) seen = Buffer.concat([seen, chunk])
      if (seen.length >= least) end(seen)
    }
    const ended = () => end(undefined)
    const listeners = { readable: read, end: ended, close: ended, error: ended }
    for (const [event, listener] of Object.entries(listeners)) stream.on(event, listener)
    read()
  })
}
