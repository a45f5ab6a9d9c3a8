import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HAS_SSHD, type HostKey, type JumpHost, ownSshd, sshKey } from '../support/own-servers.ts'
import { json, temporaryFolder } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'

// An OpenSSH server with a host key of every type. It runs if the tests use real servers and OpenSSH is installed.

const TYPES = ['ed25519', 'rsa -b 2048', 'ecdsa -b 256', 'ecdsa -b 384', 'ecdsa -b 521']
let acme: Site
let jump: JumpHost
let key: string

beforeAll(async () => {
  if (!REAL_POSTGRES || !HAS_SSHD) return
  acme = await createSite()
  const { path, publicKey } = sshKey(temporaryFolder(), 'user', ['-t', 'ed25519', '-N', ''])
  key = readFileSync(path, 'utf8')
  const { hostname, port } = new URL(acme.database.url)
  jump = await ownSshd({ publicKeys: [publicKey.trim()], permitted: [`${hostname}:${port || 5432}`], hostKeys: TYPES })
})
afterAll(async () => {
  jump?.stop()
  await acme?.drop()
})

async function through(hostKey: string | undefined, server: JumpHost = jump) {
  const { hostname, port } = new URL(acme.database.url)
  const request = {
    ...{ name: 'T', env: 'dev', type: 'postgres', host: hostname, port: Number(port || 5432), username: 'postgres' },
    ...{ password: 'x', default_database: 'postgres', jump_host: '127.0.0.1', ssh_port: server.port },
    ...{ ssh_username: 'root', ssh_private_key: key, ssh_host_key: hostKey },
  }
  const result = await acme.dsctl(['test', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
  expect(result.stdout + result.stderr).not.toContain('PRIVATE KEY')
  return { result, found: result.code === 2 ? undefined : json(result)[0] }
}

const keyOf = (type: string): HostKey => jump.hostKeys[TYPES.indexOf(type)] ?? { fingerprint: '', publicKey: '' }

describe.runIf(REAL_POSTGRES && HAS_SSHD)('ssh_host_key', () => {
  test.each(TYPES)('may be the fingerprint of any key of the jump host: %s', async type => {
    expect((await through(keyOf(type).fingerprint)).found).toMatchObject({ ok: true, stage: 'query' })
  })

  test.each(['ssh-rsa', 'rsa-sha2-256', 'rsa-sha2-512'])('may be an RSA key of a server with only %s', async name => {
    const { publicKey } = sshKey(temporaryFolder(), 'user', ['-t', 'ed25519', '-N', ''])
    const settings = [`HostKeyAlgorithms ${name},ssh-ed25519`]
    const server = await ownSshd({ publicKeys: [publicKey], permitted: ['any'], hostKeys: TYPES, settings })
    const { found } = await through(server.hostKeys[1]?.fingerprint, server)
    expect(found).toMatchObject({ stage: 'tunnel', message: expect.stringContaining('does not allow root to log in') })
    server.stop()
  })

  test.each([
    ['a public key', ({ publicKey }: HostKey) => publicKey],
    ['a line of known_hosts', ({ publicKey }: HostKey) => `[jump.example.com]:2222 ${publicKey} comment\n`],
    ['a line of ssh-keygen -l', ({ fingerprint }: HostKey) => `2048 ${fingerprint} root@jump (RSA)`],
  ])('may be %s', async (_, write) => {
    for (const type of ['ed25519', 'rsa -b 2048', 'ecdsa -b 384']) {
      expect((await through(write(keyOf(type)))).found, type).toMatchObject({ ok: true })
    }
  })

  test('that matches none of the keys fails, names them all and never logs in', async () => {
    const before = jump.log().length
    const { found } = await through(`SHA256:${'A'.repeat(43)}`)
    expect(found).toMatchObject({ ok: false, stage: 'tunnel', code: 'tunnel_failed' })
    expect(found.message).toContain('The host keys of 127.0.0.1')
    for (const { fingerprint } of jump.hostKeys) expect(found.message).toContain(fingerprint)
    expect(jump.log().slice(before)).not.toMatch(/userauth|Accepted|Postponed/)
  })

  test('is rejected with the reason if it is not one key', async () => {
    const md5 = execFileSync('ssh-keygen', ['-l', '-E', 'md5', '-f', '-'], {
      ...{ input: keyOf('ed25519').publicKey, encoding: 'utf8' },
    }).split(' ')[1]
    const both = `${keyOf('ed25519').publicKey}\n${keyOf('rsa -b 2048').publicKey}`
    for (const [value, reason] of [
      [md5, 'is an MD5 fingerprint: use the SHA256 fingerprint, as printed by ssh-keygen -l'],
      [both, 'has several keys: use only one of them'],
      [`@cert-authority * ${keyOf('ed25519').publicKey}`, 'has a marker of known_hosts'],
      ['ssh-ed25519 AAAA', 'must be SHA256:'],
      ['ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ', 'must be SHA256:'],
    ] as const) {
      const { result } = await through(value)
      expect(result.code).toBe(2)
      expect(result.stderr).toContain(reason)
    }
  })
})
