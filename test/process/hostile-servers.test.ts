import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { someOf } from '../support/all-cases.ts'
import { listen } from '../support/listen.ts'
import { json, type RunResult } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { cstring, int32, SSL_REQUEST, wireMessage } from '../support/wire.ts'

// Servers that send what no server should. Each command runs in a process of its own, because an endless loop would also
// stop the test.

const servers: Server[] = []
let site: Site

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => {
  for (const server of servers) server.close()
  return site?.drop()
})

async function port(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy())
    onConnection(socket)
  })
  servers.push(server)
  return listen(server)
}

const AUTHENTICATED = wireMessage('R', int32(0))
const READY = wireMessage('Z', Buffer.from('I'))
const LOGIN = Buffer.concat([AUTHENTICATED, wireMessage('K', int32(1), int32(1)), READY])
const int16 = (value: number) => Buffer.from([(value >> 8) & 0xff, value & 0xff])
const COLUMN = Buffer.concat([cstring('c'), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)])
const ONE_COLUMN = wireMessage('T', int16(1), COLUMN)
const header = (type: string, length: number) => Buffer.concat([Buffer.from(type), int32(length)])

/** A Postgres that refuses TLS. It answers the client's first message, the second and so on as `steps` say. */
function postgres(...steps: ((socket: Socket) => void)[]): Promise<number> {
  return port(socket => {
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      if (chunk.length === 8 && chunk.readInt32BE(4) === SSL_REQUEST) socket.write('N')
      else steps[received++]?.(socket)
    })
  })
}

const logIn = (socket: Socket) => void socket.write(LOGIN)

/** Writes the same bytes as long as the other side reads them. */
function writeForever(socket: Socket, bytes: Buffer): void {
  const write = () => {
    while (!socket.destroyed && socket.write(bytes)) {
      // until the buffer is full
    }
  }
  socket.on('drain', write)
  write()
}

const MALFORMED: readonly (readonly [string, Buffer])[] = [
  ['an error without an end', Buffer.concat([header('E', 12), Buffer.from('SERROR!!')])],
  ['a notice without an end', Buffer.concat([header('N', 12), Buffer.from('SNOTICE!')])],
  ['a row description of 65,535 columns', wireMessage('T', int16(0xffff))],
  ['a row description that is cut off', wireMessage('T', int16(3), COLUMN)],
  ['a row without a description', wireMessage('D', int16(1), int32(1), Buffer.from('x'))],
  ['a row with a value that is cut off', Buffer.concat([ONE_COLUMN, wireMessage('D', int16(1), int32(9))])],
  ['a row with too few values', Buffer.concat([ONE_COLUMN, wireMessage('D', int16(0))])],
  ['a message of negative length', header('Z', -1)],
  ['a message of length 0', header('Z', 0)],
  ['an unknown kind of message', wireMessage('#', Buffer.from('x'))],
  ['the start of a copy', wireMessage('G', Buffer.from([0]), int16(0))],
]

const list = (postgresPort: number): Promise<RunResult> =>
  site.spawnDsctl(['list', '--timeout', '2'], {
    env: { DSCTL_DATABASE_URL: `postgres://u:p@127.0.0.1:${postgresPort}/d` },
  }).result

describe('A Postgres that is the store', () => {
  test.each(someOf(MALFORMED, 5))('ends a command that receives %s', async (_, bytes) => {
    const { code, stderr } = await list(await postgres(logIn, socket => void socket.write(bytes)))
    expect(stderr).toMatch(/^dsctl: Postgres sent [a-z ]+\.\n/)
    expect(code).toBe(7)
  })

  test.each(someOf(MALFORMED, 5))('ends a command that receives %s before the login', async (_, bytes) => {
    const { code, stderr } = await list(await postgres(socket => void socket.write(bytes)))
    expect(stderr).toMatch(/^dsctl: Postgres at .* cannot be reached: it sent [a-z ]+, or is not a Postgres server\.\n/)
    expect(code).toBe(7)
  })

  test('ends a command that receives rows without end', async () => {
    const row = wireMessage('D', int16(1), int32(60_000), Buffer.alloc(60_000, 'x'))
    const { code, stderr } = await list(
      await postgres(logIn, socket => {
        socket.write(ONE_COLUMN)
        writeForever(socket, row)
      }),
    )
    expect(stderr).toContain('Postgres sent an answer that is too long.')
    expect(code).toBe(7)
  })

  test('ends a command that receives a field of 300 MB', async () => {
    const length = 300_000_000
    const { code, stderr } = await list(
      await postgres(logIn, socket => {
        socket.write(ONE_COLUMN)
        socket.write(Buffer.concat([header('D', length + 10), int16(1), int32(length)]))
        writeForever(socket, Buffer.alloc(60_000, 'x'))
      }),
    )
    expect(stderr).toContain('Postgres sent a message that is too long.')
    expect(code).toBe(7)
  })
})

describe('A Postgres that is tested', () => {
  test.each(someOf(MALFORMED, 5))('fails its test if it sends %s', async (_, bytes) => {
    const odd = await postgres(socket => void socket.write(bytes))
    const fields = {
      type: 'postgres',
      host: '127.0.0.1',
      port: odd,
      username: 'u',
      password: 'p',
      default_database: 'd',
    }
    const stdin = JSON.stringify({ name: 'Odd', env: 'dev', ...fields })
    const result = await site.spawnDsctl(['test', '-f', '-', '--timeout', '3', '-o', 'json'], { stdin }).result
    expect(json(result)[0]).toMatchObject({ code: 'failed', message: expect.stringMatching(/^The server sent /) })
  })
})

describe('A Vault', () => {
  test('ends a command that receives a response without end', async () => {
    const server = createHttpServer((_, response) =>
      writeForever(response as unknown as Socket, Buffer.alloc(60_000, 'x')),
    )
    servers.push(server)
    const env = { VAULT_ADDR: `http://127.0.0.1:${await listen(server)}` }
    const { code, stderr } = await site.spawnDsctl(['list', '--timeout', '20'], { env }).result
    expect(stderr).toContain('its response is longer than any response of Vault')
    expect(code).toBe(7)
  })
})
