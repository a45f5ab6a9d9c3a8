import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authority, certificateFor } from '../../support/certificate.ts'
import { jsonError, temporaryFolder } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { type VaultFront, vaultFront } from '../../support/vault-front.ts'

const ours = authority()
const theirs = authority()
const client = ours.certificateFor('a client')

let site: Site
let front: VaultFront
let mutual: VaultFront
let folder: string
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

beforeAll(async () => {
  site = await createSite()
  folder = temporaryFolder()
  front = await vaultFront(site.vault.addr, { tls: ours.certificateFor('vault.test') })
  mutual = await vaultFront(site.vault.addr, { tls: ours.certificateFor('127.0.0.1'), clientCa: ours.cert })
})

afterAll(async () => {
  front?.close()
  mutual?.close()
  await site?.drop()
})

const whoami = (to: VaultFront, env: Record<string, string | undefined>) =>
  site.dsctl(['whoami', '-o', 'json'], { env: { VAULT_ADDR: `https://127.0.0.1:${to.port}`, ...env } })

describe('the certificate of Vault', () => {
  test('is checked for VAULT_TLS_SERVER_NAME, which is also sent', async () => {
    const ca = { VAULT_CACERT_BYTES: ours.cert }
    expect((await whoami(front, ca)).code).toBe(7)
    expect(await whoami(front, { ...ca, VAULT_TLS_SERVER_NAME: 'vault.test' })).toMatchObject({ code: 0, stderr: '' })
    expect(front.requests.at(-1)?.servername).toBe('vault.test')
    expect((await whoami(front, { ...ca, VAULT_TLS_SERVER_NAME: 'other.test' })).code).toBe(7)
  })

  test('may be for an address in VAULT_TLS_SERVER_NAME', async () => {
    const byAddress = await vaultFront(site.vault.addr, { tls: ours.certificateFor('10.1.2.3') })
    const env = { VAULT_CACERT_BYTES: ours.cert, VAULT_TLS_SERVER_NAME: '10.1.2.3' }
    expect(await whoami(byAddress, env)).toMatchObject({ code: 0, stderr: '' })
    byAddress.close()
  })

  test('is checked against CACERT, then CACERT_BYTES, then CAPATH, then the profile', async () => {
    const good = { VAULT_TLS_SERVER_NAME: 'vault.test' }
    const right = file('right.pem', ours.cert)
    const wrong = file('wrong.pem', theirs.cert)
    mkdirSync(join(folder, 'ca/sub'), { recursive: true })
    file('ca/README', 'no certificate')
    file('ca/sub/one.pem', certificateFor('another').cert)
    file('ca/two.pem', ours.cert)
    for (const [code, env] of [
      [0, { VAULT_CACERT: right, VAULT_CACERT_BYTES: theirs.cert }],
      [7, { VAULT_CACERT: wrong, VAULT_CACERT_BYTES: ours.cert }],
      [0, { BAO_CACERT: right, VAULT_CACERT: wrong }],
      [0, { VAULT_CACERT_BYTES: ours.cert, VAULT_CAPATH: join(folder, 'ca/sub') }],
      [0, { VAULT_CAPATH: join(folder, 'ca') }],
      [7, { VAULT_CAPATH: join(folder, 'ca/sub') }],
    ] as const) {
      expect((await whoami(front, { ...good, ...env })).code, JSON.stringify(env)).toBe(code)
    }
  })

  test('overrides the one of the profile', async () => {
    const home = temporaryFolder()
    const run = (args: string[], env = {}) => site.dsctl(args, { home, env })
    await run(['config', 'set', 'vault.caCert', file('theirs.pem', theirs.cert)])
    const env = { VAULT_ADDR: `https://127.0.0.1:${mutual.port}`, ...files(), DSCTL_ORG: 'Acme' }
    expect((await run(['whoami'], env)).code).toBe(7)
    expect((await run(['whoami'], { ...env, VAULT_CAPATH: join(folder, 'ca') })).code).toBe(0)
  })

  test('names a file or variable that holds no certificate', async () => {
    for (const [env, message] of [
      [{ VAULT_CACERT: file('key.pem', ours.key) }, 'holds a private key'],
      [{ VAULT_CACERT_BYTES: 'hunter2' }, 'VAULT_CACERT_BYTES'],
      [{ VAULT_CAPATH: join(folder, 'key.pem') }, 'is not a folder'],
      [{ VAULT_CAPATH: join(folder, 'none') }, 'does not exist'],
      [{ VAULT_CAPATH: temporaryFolder() }, 'contains no file'],
    ] as const) {
      const result = await whoami(front, env)
      expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [expect.anything()] })
      expect(result.stderr).toContain(message)
      expect(result.stderr).not.toMatch(/hunter2|BEGIN/)
    }
  })
})

/** The client certificate in files. */
function files(): Record<string, string> {
  return { VAULT_CLIENT_CERT: file('client.pem', client.cert), VAULT_CLIENT_KEY: file('client.key', client.key) }
}

describe('a client certificate', () => {
  const ca = { VAULT_CACERT_BYTES: ours.cert }

  test('is sent, from files or from variables', async () => {
    expect((await whoami(mutual, ca)).code).toBe(7)
    expect((await whoami(mutual, { ...ca, ...files() })).code).toBe(0)
    const texts = { BAO_CLIENT_CERT_BYTES: client.cert, BAO_CLIENT_KEY_BYTES: client.key }
    expect((await whoami(mutual, { ...ca, ...texts })).code).toBe(0)
  })

  test('requires both files, and a key that fits', async () => {
    const { VAULT_CLIENT_CERT = '', VAULT_CLIENT_KEY = '' } = files()
    const { privateKey } = generateKeyPairSync('ed25519')
    const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    const wrong = file('encrypted.key', String(encrypted))
    for (const [env, field, message] of [
      [{ VAULT_CLIENT_CERT }, 'VAULT_CLIENT_KEY', 'is required together with VAULT_CLIENT_CERT'],
      [{ BAO_CLIENT_KEY: VAULT_CLIENT_KEY }, 'BAO_CLIENT_CERT', 'is required together with BAO_CLIENT_KEY'],
      [{ VAULT_CLIENT_CERT, VAULT_CLIENT_KEY: file('other.key', theirs.key) }, 'VAULT_CLIENT_KEY', 'does not fit'],
      [{ VAULT_CLIENT_CERT, VAULT_CLIENT_KEY: wrong }, 'VAULT_CLIENT_KEY', 'is encrypted'],
      [{ VAULT_CLIENT_CERT: VAULT_CLIENT_KEY, VAULT_CLIENT_KEY }, 'VAULT_CLIENT_CERT', 'holds no PEM certificate'],
      [{ VAULT_CLIENT_CERT, VAULT_CLIENT_KEY: '/nowhere' }, 'VAULT_CLIENT_KEY', '/nowhere does not exist'],
    ] as const) {
      const result = await whoami(mutual, { ...ca, ...env })
      expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [{ field }] })
      expect(result.stderr).toContain(message)
    }
  })

  test('never shows its key, also with NODE_DEBUG', async () => {
    const env = { VAULT_ADDR: `https://127.0.0.1:${mutual.port}`, ...ca, ...files() }
    const debug = { NODE_DEBUG: 'http,https,net,tls,stream,module' }
    const result = await site.spawnDsctl(['whoami', '-v'], { env: { ...env, ...debug } }).result
    expect(result.code).toBe(0)
    expect(result.stderr).toContain('TLS')
    const line = client.key.split('\n')[1] ?? ''
    expect(line).not.toBe('')
    expect(result.stderr).not.toContain(line)
    expect(result.stderr).not.toContain(site.env.VAULT_TOKEN)
  })
})

describe('VAULT_SKIP_VERIFY', () => {
  test('is refused by its name, with the alternative', async () => {
    for (const name of ['VAULT_SKIP_VERIFY', 'BAO_SKIP_VERIFY']) {
      const env = { VAULT_ADDR: 'https://vault.example.com', [name]: '1' }
      const error = jsonError(await site.dsctl(['whoami', '-o', 'json'], { env }))
      expect(error).toMatchObject({ exit_code: 2, fields: [{ field: name }] })
      expect(error.hint).toMatch(new RegExp(`Unset ${name}.*VAULT_CACERT`))
    }
  })

  test('is accepted for this machine', async () => {
    expect((await whoami(front, {})).code).toBe(7)
    expect((await whoami(front, { VAULT_SKIP_VERIFY: 'true' })).code).toBe(0)
    expect((await whoami(front, { VAULT_SKIP_VERIFY: 'false' })).code).toBe(7)
    expect(jsonError(await whoami(front, { VAULT_SKIP_VERIFY: 'yes' })).fields).toMatchObject([
      { field: 'VAULT_SKIP_VERIFY' },
    ])
  })
})
