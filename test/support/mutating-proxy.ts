import { connect, createServer, type Server, type Socket } from 'node:net'
import { listen } from './listen.ts'

/** A proxy that changes what a server sends, to imitate a broken or hostile server. */
export interface MutatingProxy {
  readonly port: number
  /** From now on, changes the answers as this seed says: the same seed gives the same changes to the same answers. */
  use(seed: number): void
  close(): void
}

interface Target {
  readonly host: string
  readonly port: number
}

export async function mutatingProxy(target: Target): Promise<MutatingProxy> {
  let random = randomNumbers(0)
  const sockets = new Set<Socket>()
  const server: Server = createServer(client => {
    const upstream = connect(target)
    const mutate = mutator(random, client)
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    client.on('data', chunk => upstream.writable && upstream.write(chunk))
    client.on('close', () => upstream.destroy())
    upstream.on('data', chunk => client.writable && mutate(chunk))
    upstream.on('end', () => client.end())
  })
  const port = await listen(server)
  return {
    port,
    use(seed) {
      for (const socket of sockets) socket.destroy()
      random = randomNumbers(seed)
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

type Random = (below: number) => number

/** Numbers from a linear congruential generator. Source: Numerical Recipes. */
function randomNumbers(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Changes one of the first chunks of a connection, and sometimes one more. */
function mutator(random: Random, client: Socket): (chunk: Buffer) => void {
  let untouched = random(8)
  return chunk => {
    if (untouched-- > 0) return void client.write(chunk)
    untouched = random(6)
    const mutation = MUTATIONS[random(MUTATIONS.length)]
    if (mutation) mutation({ chunk: Buffer.from(chunk), random, client })
  }
}

interface Mutation {
  readonly chunk: Buffer
  readonly random: Random
  readonly client: Socket
}

const MUTATIONS: readonly ((mutation: Mutation) => void)[] = [
  function flipBit({ chunk, random, client }) {
    const at = random(chunk.length)
    chunk[at] = (chunk[at] ?? 0) ^ (1 << random(8))
    client.write(chunk)
  },
  function setByte({ chunk, random, client }) {
    chunk[random(chunk.length)] = [0, 0x7f, 0x80, 0xff][random(4)] ?? 0
    client.write(chunk)
  },
  function setNumber({ chunk, random, client }) {
    if (chunk.length >= 4) {
      const number = [0, 1, -1, 4, 0x7fffffff, 0x01000000, -0x80000000][random(7)] ?? 0
      chunk.writeInt32BE(number, random(chunk.length - 3))
    }
    client.write(chunk)
  },
  function removeBytes({ chunk, random, client }) {
    const at = random(chunk.length)
    client.write(Buffer.concat([chunk.subarray(0, at), chunk.subarray(at + 1 + random(8))]))
  },
  function insertBytes({ chunk, random, client }) {
    const at = random(chunk.length)
    const more = Buffer.from(Array.from({ length: 1 + random(16) }, () => random(256)))
    client.write(Buffer.concat([chunk.subarray(0, at), more, chunk.subarray(at)]))
  },
  function repeat({ chunk, random, client }) {
    for (let times = 0; times <= 1 + random(3); times++) client.write(chunk)
  },
  function removeZeros({ chunk, client }) {
    client.write(chunk.map(byte => byte || 0x41))
  },
  function swapHalves({ chunk, random, client }) {
    const at = random(chunk.length)
    client.write(Buffer.concat([chunk.subarray(at), chunk.subarray(0, at)]))
  },
  function cutOff({ chunk, random, client }) {
    client.end(chunk.subarray(0, random(chunk.length)))
  },
  function reset({ client }) {
    client.resetAndDestroy()
  },
  function garbage({ random, client }) {
    client.write(Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256))))
  },
]
