import { randomInt } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type SecureVersion, TLSSocket, type TlsOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authority, certificateFor } from '../support/certificate.ts'
import { listen } from '../support/listen.ts'
import { mysqlGreeting } from '../support/mysql-server.ts'
import { json } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// Servers that get as far as the TLS handshake. Each driver names the same causes in the same words.

const SECRET = 'tls-canary-7c1d'
const issuer = authority()
const signed = issuer.certificateFor('localhost')
const expired = certificateFor('localhost', '250201000000Z')
const other = certificateFor('db.example.com')

interface Case {
  readonly options: TlsOptions
  readonly ssl_ca: string
  readonly message: RegExp
}

const clientCertificate = (maxVersion: SecureVersion): Case => ({
  options: { ...signed, maxVersion, requestCert: true, rejectUnauthorized: true, ca: issuer.cert },
  ssl_ca: issuer.cert,
  message: /requires a client certificate.*\. dsctl test presents no client certificate\.$/,
})
const CASES: Readonly<Record<string, Case>> = {
  'an unknown authority': {
    ...{ options: signed, ssl_ca: other.cert },
    message: /^The server’s certificate is signed by an unknown authority\. Set ssl_ca to its CA certificate, or NODE_/,
  },
  'another name': {
    ...{ options: other, ssl_ca: other.cert },
    message: /^The server’s certificate is for db\.example\.com, not for localhost\. Check host\.$/,
  },
  'an expired certificate': {
    ...{ options: expired, ssl_ca: expired.cert, message: /^The server’s certificate has expired\.$/ },
  },
  'a client certificate that is missing, in TLS 1.3': clientCertificate('TLSv1.3'),
  'a client certificate that is missing, in TLS 1.2': clientCertificate('TLSv1.2'),
  'an old version of TLS': {
    options: { ...signed, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
    ...{ ssl_ca: issuer.cert, message: /^The server supports none of the TLS versions that are allowed\.$/ },
  },
}

let acme: Site
const servers: Server[] = []
beforeAll(async () => {
  acme = await createSite()
})
afterAll(async () => {
  for (const server of servers) server.close()
  await acme?.drop()
})

function serve(server: Server): Server {
  servers.push(server)
  return server
}

/** Upgrades the connection after a request of `bytes`, which `reply` answers. */
function upgrade(socket: Socket, { bytes, reply }: { bytes: number; reply: string }, options: TlsOptions): void {
  socket.once('data', chunk => {
    socket.pause()
    socket.unshift(chunk.subarray(bytes))
    socket.write(reply)
    const secure = new TLSSocket(socket, { ...options, isServer: true })
    secure.on('error', () => {})
    secure.resume()
  })
}

const PROTOCOLS: Readonly<Record<string, (socket: Socket, options: TlsOptions) => void>> = {
  postgres: (socket, options) => upgrade(socket, { bytes: 8, reply: 'S' }, options),
  mysql(socket, options) {
    socket.write(mysqlGreeting({ tls: true }))
    upgrade(socket, { bytes: 36, reply: '' }, options)
  },
}

async function verdict(fields: object) {
  const request = { name: 'T', env: 'dev', username: 'u', password: SECRET, default_database: 'd', ...fields }
  const result = await acme.dsctl(['test', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
  expect(result.stdout + result.stderr).not.toContain(SECRET)
  return json(result)[0]
}

describe.each(Object.entries(PROTOCOLS))('TLS of %s', (type, speak) => {
  const address = (options: TlsOptions) =>
    listen(
      serve(
        createServer(socket => {
          socket.on('error', () => {})
          speak(socket, options)
        }),
      ),
    )

  test.each(Object.entries(CASES))('names the cause: %s', async (_, { options, ssl_ca, message }) => {
    const found = await verdict({
      type,
      host: 'localhost',
      port: await address(options),
      ssl_mode: 'verify-full',
      ssl_ca,
    })
    expect(found).toMatchObject({ stage: 'tls', code: 'tls_failed', message: expect.stringMatching(message) })
  })

  test('says that the server does not speak TLS if it sends something else', async () => {
    const port = await listen(
      serve(
        createServer(socket => {
          socket.on('error', () => {})
          if (type === 'mysql') socket.write(mysqlGreeting({ tls: true }))
          socket.once('data', () => {
            if (type === 'postgres') socket.write('S')
            socket.once('data', () => socket.write('this is no TLS at all'))
            if (type === 'mysql') socket.write('this is no TLS at all')
          })
        }),
      ),
    )
    expect(await verdict({ type, host: 'localhost', port, ssl_mode: 'require' })).toMatchObject({
      ...{ stage: 'tls', code: 'tls_failed', message: 'The server does not speak TLS on this port. Check port.' },
    })
  })
})

describe.runIf(process.getuid?.() === 0)('TLS of services on port 443', () => {
  const TYPES = {
    databricks: { api_key: SECRET, warehouse_id: 'w', default_catalog: 'c' },
    snowflake: { account_id: 'a', warehouse_id: 'w', username: 'u', password: SECRET, default_database: 'd' },
  }

  test.each(Object.entries(CASES))('names the cause: %s', async (name, { options, message }) => {
    const host = `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`
    const server = serve(createTlsServer(options, socket => socket.on('error', () => {}).end()))
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(443, host, resolve))
    // These types have no ssl_ca, so no authority is trusted. The other causes are found earlier.
    const isEarlier = /expired|TLS 1\.2|version/.test(name)
    const expected = isEarlier ? message : /^The server’s certificate is (signed by an unknown authority|self-signed)/
    for (const [type, fields] of Object.entries(TYPES)) {
      const place = type === 'snowflake' ? { custom_host: host } : { host }
      const request = { name: 'T', env: 'dev', type, ...fields, ...place }
      const result = await acme.dsctl(['test', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
      expect(json(result)[0]).toMatchObject({
        ...{ stage: 'tls', code: 'tls_failed', message: expect.stringMatching(expected) },
      })
    }
  })
})
