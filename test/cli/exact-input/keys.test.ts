import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError, temporaryFolder } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { certificate, serviceAccount } from '../../unit/source-types/samples.ts'

const HAS_TOOLS = ['openssl', 'ssh-keygen'].every(tool => spawnSync(tool, ['version']).error === undefined)

const pem = (type: 'pkcs1' | 'pkcs8') =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type, format: 'pem' }).toString()
const sec1 = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString()
const PKCS8 = pem('pkcs8')
const BAG = 'Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n'
const EC_PARAMETERS = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

let created = 0

/** Creates a data source with this SSH key in a file, and returns the stored key. */
async function storedKey(key: string): Promise<string> {
  const name = `Key ${++created}`
  const flags = ['--host', 'h', '--username', 'u', '--default-database', 'd', '--password', 'env:SECRET']
  const tunnel = ['--jump-host', 'j', '--ssh-username', 'u', '--ssh-private-key', '@key']
  const args = ['create', name, '--env', 'dev', '--type', 'postgres', ...flags, ...tunnel, '-o', 'json']
  const result = await site.dsctl(args, { cwd: folderWith({ key }), env: { SECRET: 'x' } })
  const secret = await site.vault.readSecret(`data-sources/${json(result).id}`)
  return String(secret?.data.ssh_private_key)
}

describe('A private key is stored alone, as OpenSSL writes it:', () => {
  test.each<[string, string, string]>([
    ['after bag attributes', BAG + PKCS8, PKCS8],
    ['after a certificate', `${certificate}${PKCS8}${certificate}`, PKCS8],
    ['with Windows line ends', PKCS8.replaceAll('\n', '\r\n'), PKCS8],
    ['with old Macintosh line ends', PKCS8.replaceAll('\n', '\r'), PKCS8],
    ['without a line end after it', PKCS8.trimEnd(), PKCS8],
    ['with blanks around its lines', PKCS8.replaceAll('\n', ' \n  '), PKCS8],
    ['with blank lines around it', `\n\n${PKCS8}\n\n`, PKCS8],
    ['as it is', PKCS8, PKCS8],
  ])('%s', async (_, given, stored) => expect(await storedKey(given)).toBe(stored))

  test('after its EC parameters', async () => {
    const key = sec1()
    expect(await storedKey(EC_PARAMETERS + key)).toBe(key)
  })

  test('before another private key', async () => {
    const key = pem('pkcs1')
    expect(await storedKey(key + PKCS8)).toBe(key)
  })

  test('on a single long line', async () => {
    const [start, body, end] = /^(.*\n)([\s\S]*)(\n-----END.*\n)$/.exec(PKCS8)?.slice(1) ?? []
    expect(await storedKey(`${start}${body?.replaceAll('\n', '')}${end}`)).toBe(PKCS8)
  })

  test('inside a service account key', async () => {
    const key = { ...serviceAccount, private_key: BAG + PKCS8.replaceAll('\n', '\r\n') }
    const fields = { type: 'bigquery', service_account_key: JSON.stringify(key), default_dataset: 'd' }
    const stdin = JSON.stringify({ name: 'BigQuery', env: 'dev', ...fields })
    const { id } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const secret = await site.vault.readSecret(`data-sources/${id}`)
    expect(secret?.data.service_account_key).toEqual({ ...serviceAccount, private_key: PKCS8 })
  })
})

describe.skipIf(!HAS_TOOLS)('A key that OpenSSL or OpenSSH reads', () => {
  const folder = temporaryFolder()
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, stdio: 'pipe' })
  const openssl = (...args: string[]) => run('openssl', ...args)

  test.each<[string, () => void]>([
    ['from openssl genrsa', () => openssl('genrsa', '-out', 'key', '2048')],
    ['from openssl genrsa -traditional', () => openssl('genrsa', '-traditional', '-out', 'key', '2048')],
    ['with EC parameters', () => openssl('ecparam', '-genkey', '-name', 'prime256v1', '-out', 'key')],
    [
      'with the text of the key',
      () => openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-text', '-out', 'key'),
    ],
    ['from PKCS#12', fromPkcs12],
    ['of OpenSSH', () => run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', 'openssh')],
    ['of OpenSSH in RSA', () => run('ssh-keygen', '-q', '-t', 'rsa', '-N', '', '-f', 'openssh-rsa')],
  ])('%s is stored as both read it', async (_, make) => {
    make()
    const file =
      ['openssh-rsa', 'openssh', 'key'].find(name => spawnSync('test', ['-e', join(folder, name)]).status === 0) ?? ''
    for (const change of [(text: string) => text, (text: string) => text.replaceAll('\n', '\r\n').trimEnd()]) {
      const key = await storedKey(change(readFileSync(join(folder, file), 'utf8')))
      writeFileSync(join(folder, 'stored'), key)
      chmodSync(join(folder, 'stored'), 0o600)
      expect(run('ssh-keygen', '-y', '-f', 'stored').toString()).toMatch(/^(ssh|ecdsa)-/)
      if (!key.includes('OPENSSH')) expect(openssl('pkey', '-in', 'stored', '-noout').toString()).toBe('')
    }
    run('rm', '-f', file)
  })

  function fromPkcs12() {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'k', '-out', 'c', '-subj', '/CN=x')
    openssl('pkcs12', '-export', '-inkey', 'k', '-in', 'c', '-passout', 'pass:x', '-out', 'p12')
    openssl('pkcs12', '-in', 'p12', '-passin', 'pass:x', '-nodes', '-out', 'key')
  }
})

test.each([
  ['a certificate', certificate, /this is a certificate$/],
  ['a public key', 'ssh-ed25519 AAAAMARKER me@host', /this is a public key$/],
  ['a PuTTY key', 'PuTTY-User-Key-File-3: ssh-ed25519\nMARKER', /puttygen -O private-openssh$/],
  ['a key in base64', Buffer.from(PKCS8).toString('base64'), /base64 -d$/],
  ['a block without its end', PKCS8.split('\n').slice(0, -2).join('\n'), /to its END line$/],
])('%s is refused as a private key', async (_, key, says) => {
  const fields = { ...plainFields, jump_host: 'j', ssh_username: 'u', ssh_private_key: key }
  const stdin = JSON.stringify({ name: 'Never', env: 'dev', type: 'postgres', ...fields })
  const error = jsonError(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
  expect(error.fields).toEqual([{ field: 'ssh_private_key', message: expect.stringMatching(says) }])
  expect(JSON.stringify(error)).not.toContain('MARKER')
})

test('A bundle of certificates may have 512 KiB', async () => {
  const bundle = certificate.repeat(Math.floor((512 * 1024) / certificate.length))
  const request = { name: 'Bundle', env: 'dev', type: 'postgres', ...plainFields, ssl_ca: bundle }
  const created = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
  const { id } = json(created)
  expect((await site.vault.readSecret(`data-sources/${id}`))?.data.ssl_ca).toBe(bundle)
  const cwd = folderWith({ 'ca.pem': bundle.replaceAll('-----\n-----', '----------') })
  expect(await site.dsctl(['update', id, '--ssl-ca', '@ca.pem'], { cwd })).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('No changes'),
  })
})
