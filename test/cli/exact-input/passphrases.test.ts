import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { json, jsonError, temporaryFolder } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'

const HAS_OPENSSH = spawnSync('ssh-keygen', ['-?']).error === undefined
const PASSPHRASE = 'MARKERpassphrase'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const encrypted = (type: 'pkcs1' | 'pkcs8') =>
  privateKey.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE }).toString()
const PLAIN = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

function openSshKey(): string {
  const folder = temporaryFolder()
  const args = ['-q', '-t', 'ed25519', '-N', PASSPHRASE, '-f', 'key']
  execFileSync('ssh-keygen', args, { cwd: folder })
  return readFileSync(join(folder, 'key'), 'utf8')
}

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const snowflake = { account_id: 'org-acc', warehouse_id: 'W', username: 'u', default_database: 'D' }
const keyPair = (name: string, more: object) => ({ name, env: 'dev', type: 'snowflake', ...snowflake, ...more })
const tunnel = { jump_host: 'j', ssh_username: 'u' }
const run = (command: readonly string[], request: object) =>
  site.dsctl([...command, '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
const fieldsOf = (result: Awaited<ReturnType<typeof run>>) => {
  expect(result.stderr).not.toContain('MARKER')
  return jsonError(result).fields
}

describe.each<[string, () => string]>([
  ['PKCS#8', () => encrypted('pkcs8')],
  ['PKCS#1', () => encrypted('pkcs1')],
  ...(HAS_OPENSSH ? [['OpenSSH', openSshKey] as [string, () => string]] : []),
])('The passphrase of a key in %s', (format, make) => {
  test('is checked when the key is stored', async () => {
    const key = make()
    const request = keyPair(`In ${format}`, { private_key: key })
    const field = 'private_key_passphrase'
    expect(fieldsOf(await run(['create'], request))).toEqual([
      { field, message: 'is required, because private_key is encrypted' },
    ])
    const wrong = { ...request, private_key_passphrase: 'wrong' }
    expect(fieldsOf(await run(['create'], wrong))).toEqual([{ field, message: 'does not decrypt private_key' }])
    const batch = fieldsOf(await run(['apply'], [wrong]))
    expect(batch).toMatchObject([{ message: 'does not decrypt private_key' }])
    const created = await run(['create'], { ...request, private_key_passphrase: PASSPHRASE })
    expect(created.code, created.stderr).toBe(0)
  })
})

test('An update is checked with the stored key, and only if it changes either', async () => {
  const key = { ...tunnel, ssh_private_key: encrypted('pkcs8'), ssh_private_key_passphrase: PASSPHRASE }
  const { id } = json(await run(['create'], { name: 'Tunnel', env: 'dev', type: 'postgres', ...plainFields, ...key }))
  const field = 'ssh_private_key_passphrase'
  const wrong = [{ field, message: 'does not decrypt ssh_private_key' }]
  expect(fieldsOf(await run(['update', id], { ssh_private_key_passphrase: 'wrong' }))).toEqual(wrong)
  expect(fieldsOf(await run(['update', id, '--dry-run'], { ssh_private_key_passphrase: 'wrong' }))).toEqual(wrong)
  const unset = await site.dsctl(['update', id, '--unset', 'ssh_private_key_passphrase', '-o', 'json'])
  expect(fieldsOf(unset)).toEqual([{ field, message: 'is required, because ssh_private_key is encrypted' }])
  const plain = await run(['update', id], { ssh_private_key: PLAIN })
  expect(fieldsOf(plain)).toEqual([
    { field, message: 'is set, but ssh_private_key is not encrypted: omit or unset it' },
  ])
  const item = { name: 'Tunnel', env: 'dev', type: 'postgres', ssh_private_key_passphrase: 'wrong' }
  expect(
    await run(['diff'], { ...plainFields, ...tunnel, ssh_private_key: key.ssh_private_key, ...item }),
  ).toMatchObject({ code: 2 })
  await site.vault.writeSecret(`data-sources/${id}`, {
    type: 'postgres',
    ...plainFields,
    ...key,
    ssh_private_key_passphrase: 'other',
  })
  expect(await site.dsctl(['update', id, '--host', 'h2'])).toMatchObject({ code: 0 })
  const both = { ssh_private_key: PLAIN }
  expect(
    await site.dsctl(['update', id, '--unset', 'ssh_private_key_passphrase', '-f', '-'], {
      stdin: JSON.stringify(both),
    }),
  ).toMatchObject({ code: 0 })
})
