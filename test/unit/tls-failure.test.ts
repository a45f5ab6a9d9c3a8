import { createServer, type Socket } from 'node:net'
import { connect, createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { caCertificatesProblem } from '../../src/lib/ca-certificates.ts'
import { explainTlsFailure, tlsFailureSentence } from '../../src/lib/tls-failure.ts'
import { authority, certificateFor } from '../support/certificate.ts'
import { listen } from '../support/listen.ts'

const HOST = 'db.example.com'
const root = authority()
const pair = root.certificateFor(HOST)
const servers: { close(): void }[] = []

afterAll(() => {
  for (const server of servers) server.close()
})

async function tlsServer(options: TlsOptions): Promise<number> {
  const server = createTlsServer({ ...pair, ...options }, socket => socket.on('error', () => {}))
  server.on('tlsClientError', () => {})
  servers.push(server)
  return listen(server)
}

async function failure(port: number, options: object = {}, host = HOST) {
  const error = await new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', servername: host, ca: root.cert, ...options })
    socket.on('error', resolve)
    socket.on('secureConnect', () => socket.write('x'))
    socket.on('data', () => {})
  })
  return explainTlsFailure(error, host)
}

describe('A failed TLS handshake names its cause:', () => {
  test('a wrong host, with the names in the certificate', async () => {
    expect(await failure(await tlsServer({}), {}, 'localhost')).toEqual({
      cause: 'wrong host',
      reason: 'the server’s certificate is for db.example.com, not for localhost',
    })
  })

  test('an unknown authority, and a self-signed certificate', async () => {
    expect(await failure(await tlsServer({}), { ca: certificateFor('x').cert })).toMatchObject({
      cause: 'unknown authority',
      reason: 'the server’s certificate is signed by an unknown authority',
    })
    expect(await failure(await tlsServer(certificateFor(HOST)))).toMatchObject({
      cause: 'unknown authority',
      reason: expect.stringContaining('self-signed'),
    })
  })

  test('an expired certificate', async () => {
    const expired = certificateFor(HOST, '250201000000Z')
    expect(await failure(await tlsServer(expired), { ca: expired.cert })).toMatchObject({
      cause: 'out of date',
      reason: expect.stringContaining('has expired'),
    })
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a missing client certificate with %s', async maxVersion => {
    const port = await tlsServer({ requestCert: true, rejectUnauthorized: true, ca: root.cert, maxVersion })
    expect(await failure(port)).toMatchObject({ cause: 'client certificate required' })
  })

  test('no common TLS version', async () => {
    const port = await tlsServer({ minVersion: 'TLSv1.3' })
    expect(await failure(port, { maxVersion: 'TLSv1.2' })).toMatchObject({ cause: 'no common version' })
  })

  test('a server without TLS', async () => {
    const plain = createServer((socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    servers.push(plain)
    expect(await failure(await listen(plain))).toMatchObject({ cause: 'not TLS' })
  })

  test('not for other errors, also if they are wrapped', () => {
    expect(explainTlsFailure(Object.assign(new Error(''), { code: 'ECONNREFUSED' }), HOST)).toBeUndefined()
    const wrapped = new Error('', { cause: Object.assign(new Error('secret'), { code: 'CERT_HAS_EXPIRED' }) })
    const found = explainTlsFailure(wrapped, HOST)
    expect(found && tlsFailureSentence(found)).toBe('The server’s certificate has expired.')
  })
})

describe('A CA file', () => {
  test('may hold several certificates and other text', () => {
    expect(caCertificatesProblem(`# mine\n${root.cert}\nother text\r\n${pair.cert}`)).toBeUndefined()
    expect(caCertificatesProblem(root.cert.replaceAll('\n', '\r\n'))).toBeUndefined()
  })

  test.each([
    ['an empty file', ' \n', 'is empty'],
    ['a private key', root.key, 'private key'],
    ['a truncated certificate', root.cert.split('\n').slice(0, 5).join('\n'), 'cut off'],
    ['a second one that is truncated', root.cert + root.cert.slice(0, 100), 'cut off'],
    ['a damaged certificate', root.cert.replace(/\n\w{40}/, '\n'), 'damaged'],
    ['any other text', 'not a cert', 'no PEM certificate'],
    ['DER', Buffer.from('3082017f', 'hex').toString('utf8'), 'openssl x509 -inform der'],
  ])('is refused if it is %s', (_, text, problem) => {
    expect(caCertificatesProblem(text)).toContain(problem)
  })
})
