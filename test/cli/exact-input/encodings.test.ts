import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, temporaryFolder } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { certificate, openSshKey } from '../../unit/source-types/samples.ts'

// A byte-order mark says how a text is encoded. It is never part of a value.

const MARK = '\ufeff'
const utf16 = (text: string) => Buffer.from(MARK + text, 'utf16le')

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const request = (name: string, more: object = {}) => ({ name, env: 'dev', type: 'postgres', ...plainFields, ...more })
const flags = (name: string, password: string) => {
  const fields = ['--host', 'h', '--username', 'u', '--default-database', 'd', '--password', password]
  return ['create', name, '--env', 'dev', '--type', 'postgres', ...fields, '-o', 'json']
}
const stored = async (id: string) => (await site.vault.readSecret(`data-sources/${id}`))?.data

describe('A byte-order mark is left out:', () => {
  test.each([
    ['a file', '@secret', {}],
    ['standard input', '-', { stdin: `${MARK}s3cret\r\n` }],
    ['a variable', 'env:SECRET', { env: { SECRET: `${MARK}s3cret` } }],
  ])('of a secret from %s', async (from, source, options) => {
    const cwd = folderWith({ secret: `${MARK}s3cret\n` })
    const created = await site.dsctl(flags(`From ${from}`, source), { cwd, ...options })
    expect(await stored(json(created).id)).toMatchObject({ password: 's3cret' })
  })

  test('of a key and of certificates', async () => {
    const cwd = folderWith({ key: MARK + openSshKey, ca: MARK + certificate })
    const files = ['--ssh-private-key', '@key', '--ssl-ca', '@ca']
    const tunnel = ['--jump-host', 'j', '--ssh-username', 'u', ...files]
    const created = await site.dsctl([...flags('Key', 'env:SECRET'), ...tunnel], { cwd, env: { SECRET: 'x' } })
    expect(await stored(json(created).id)).toMatchObject({ ssh_private_key: openSshKey, ssl_ca: certificate })
  })

  test.each([
    ['json', JSON.stringify(request('By json'))],
    ['yaml', `name: By yaml\nenv: dev\ntype: mysql\n${fieldsAsYaml()}`],
    ['ndjson', `${JSON.stringify(request('By ndjson'))}\n${MARK}${JSON.stringify(request('Second line'))}\n`],
  ])('of a request in %s', async (extension, text) => {
    const cwd = folderWith({ [`file.${extension}`]: MARK + text, secret: `${MARK}s3cret` })
    expect(await site.dsctl(['apply', '-f', `file.${extension}`], { cwd })).toMatchObject({ code: 0 })
    expect(await site.dsctl(['diff', '-f', '-'], { stdin: MARK + text })).toMatchObject({ code: 0 })
    if (extension !== 'ndjson')
      expect(await site.dsctl(['test', '-f', `file.${extension}`], { cwd })).toMatchObject({ code: 8 })
  })

  test('of a file that a request refers to', async () => {
    const file = JSON.stringify(request('Refers', { password: { from: '@secret' } }))
    const cwd = folderWith({ 'a.json': file, secret: `${MARK}s3cret\n` })
    const created = await site.dsctl(['create', '-f', 'a.json', '-o', 'json'], { cwd })
    expect(await stored(json(created).id)).toMatchObject({ password: 's3cret' })
  })

  test('of the settings and the token', async () => {
    const home = temporaryFolder()
    mkdirSync(join(home, 'dsctl-config'))
    const profile = { 'database.url': site.env.DSCTL_DATABASE_URL, 'vault.addr': site.env.VAULT_ADDR }
    const settings = { version: 1, profiles: { default: { ...profile, 'vault.mount': site.vault.mount } } }
    writeFileSync(join(home, 'dsctl-config', 'config.json'), MARK + JSON.stringify(settings))
    writeFileSync(join(home, '.vault-token'), `${MARK}${site.env.VAULT_TOKEN}\n`)
    const env = { DSCTL_DATABASE_URL: undefined, VAULT_ADDR: undefined, DSCTL_VAULT_MOUNT: undefined }
    expect(await site.dsctl(['list'], { home, env: { ...env, VAULT_TOKEN: undefined } })).toMatchObject({ code: 0 })
  })
})

describe('A file in UTF-16 is refused by its name:', () => {
  test.each([
    ['a secret', flags('Never', '@file'), /comes from file, which is UTF-16 text: convert it to UTF-8/],
    ['a request', ['create', '-f', 'file'], /file is UTF-16 text: convert it to UTF-8/],
    ['a batch', ['apply', '-f', 'file'], /file is UTF-16 text: convert it to UTF-8/],
    ['certificates', [...flags('Never', 'env:HOME'), '--ssl-ca', '@file'], /comes from file, which is UTF-16/],
  ])('%s', async (_, args, says) => {
    for (const file of [utf16('{"a": "MARKER"}'), utf16('{"a": "MARKER"}').subarray(2)]) {
      const result = await site.dsctl(args, { cwd: folderWith({ file }) })
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(result.stderr).toMatch(says)
      expect(result.stderr).not.toContain('MARKER')
    }
  })
})

function fieldsAsYaml(): string {
  return Object.entries(plainFields)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('')
}
