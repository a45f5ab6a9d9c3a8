import { createServer as createHttpServer } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import type { SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authority, certificateFor } from '../support/certificate.ts'
import { listen } from '../support/listen.ts'
import { folderWith } from '../support/requests.ts'
import { jsonError } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

const good = certificateFor('localhost')
const issuer = authority()
const expired = certificateFor('localhost', '250201000000Z')
const other = certificateFor('vault.example.com')
const signed = issuer.certificateFor('localhost')
let acme: Site
const closing: { close(): unknown }[] = []
let files: string

beforeAll(async () => {
  acme = await createSite()
  const body = Buffer.from(good.cert.replace(/-----.*?-----|\s/g, ''), 'base64')
  files = folderWith({
    ...{
      'good.pem': good.cert,
      'authority.pem': issuer.cert,
      'key.pem': good.key,
      'expired.pem': expired.cert,
      'other.pem': other.cert,
      'text.pem': 'not a cert\n',
    },
    ...{ 'empty.pem': '', 'blank.pem': ' \n', 'cut.pem': good.cert.split('\n').slice(0, 5).join('\n') },
    'damaged.pem': good.cert.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA'),
  })
  const { writeFileSync } = await import('node:fs')
  writeFileSync(join(files, 'der.pem'), body)
})
afterAll(async () => {
  for (const each of closing) each.close()
  await acme?.drop()
})

async function https(options: ServerOptions): Promise<string> {
  const server = createServer(options, (_, response) => response.end('{}'))
  closing.push(server)
  return `https://localhost:${await listen(server)}`
}

async function failure(address: string, file: string | undefined) {
  const env = { VAULT_ADDR: address, VAULT_CACERT: file && join(files, file) }
  return jsonError(await acme.dsctl(['whoami', '-o', 'json'], { env }))
}

describe('Vault over TLS', () => {
  test.each([
    ['an unknown authority', signed, 'good.pem', /signed by an unknown authority/, /Set VAULT_CACERT/],
    ['a self-signed certificate', good, undefined, /self-signed/, /Set VAULT_CACERT/],
    ['an expired certificate', expired, 'expired.pem', /has expired/, /Renew the certificate/],
    ['another name', other, 'other.pem', /is for vault.example.com, not for localhost/, /a name in the certificate/],
  ])('names the cause: %s', async (_, pair, file, message, hint) => {
    const address = await https(pair)
    const found = await failure(address, file)
    expect(found).toMatchObject({ code: 'unavailable', outcome: 'none' })
    expect(found.message).toMatch(message)
    expect(found.hint).toMatch(hint)
  })

  test.each<SecureVersion>(['TLSv1.3', 'TLSv1.2'])(
    'says that the server requires a client certificate: %s',
    async maxVersion => {
      const address = await https({
        ...signed,
        maxVersion,
        requestCert: true,
        rejectUnauthorized: true,
        ca: issuer.cert,
      })
      const { message, hint, outcome } = await failure(address, 'authority.pem')
      expect(message).toContain('requires a client certificate')
      expect(hint).toContain('Set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY')
      expect(outcome).toBe('none')
    },
  )

  test('says that the server and Node have no TLS version in common', async () => {
    const address = await https({ ...signed, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' })
    expect((await failure(address, 'authority.pem')).message).toMatch(/none of the TLS versions that are allowed/)
  })

  test('says that the server does not speak TLS, or requires it', async () => {
    const plain = createHttpServer((_, response) => response.end('{}'))
    closing.push(plain)
    const port = await listen(plain)
    const found = await failure(`https://localhost:${port}`, undefined)
    expect(found.message).toContain('the server does not speak TLS on this port')
    expect(found.hint).toBe('If Vault has no TLS, set VAULT_ADDR to an address with http.')
    const secure = createTcpServer(socket =>
      socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'),
    )
    closing.push(secure)
    const answer = await failure(`http://localhost:${await listen(secure)}`, undefined)
    expect(answer).toMatchObject({ code: 'unavailable', hint: 'Set VAULT_ADDR to an address with https.' })
  })

  test.each([
    ['der.pem', 'holds no PEM certificate; if it is DER, convert it: openssl x509'],
    ['key.pem', 'holds a private key instead of a certificate'],
    ['text.pem', 'holds no PEM certificate'],
    ['empty.pem', 'is empty'],
    ['blank.pem', 'is empty'],
    ['cut.pem', 'is cut off'],
    ['damaged.pem', 'holds a damaged certificate'],
    ['missing.pem', 'does not exist'],
  ])('rejects a VAULT_CACERT without a certificate: %s', async (file, message) => {
    const { code, fields } = await failure('https://localhost:9', file)
    expect(code).toBe('invalid')
    expect(fields).toEqual([{ field: 'vault.caCert', message: expect.stringContaining(`${file} ${message}`) }])
  })
})
