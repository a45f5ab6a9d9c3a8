import type { Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Listens on 127.0.0.1 (default: a free port) without keeping the process alive. Returns the port. */
export async function listen(server: Server, port = 0): Promise<number> {
  // Retries: while a proxy was down, another connection may have been given its port.
  for (const end = Date.now() + 10_000; ; await pause(100)) {
    const error = await tryToListen(server, port)
    if (!error) break
    if (error.code !== 'EADDRINUSE' || Date.now() >= end) throw error
  }
  server.unref()
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return address.port
}

function tryToListen(server: Server, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise(resolve => {
    server.once('error', resolve)
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', resolve)
      resolve(undefined)
    })
  })
}
