import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attempt, byFile, byFlags, byRequest, expectRefusal, type Refusal } from '../../support/bad-input.ts'
import { plainFields } from '../../support/examples.ts'
import { json } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { everythingIn } from '../../support/stored.ts'

let site: Site
/** A postgres source for updates. */
let id: string

beforeAll(async () => {
  site = await createSite()
  const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
  id = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
})
afterAll(() => site?.drop())

const expectRefused = (attempt: Attempt, refusal: Refusal) => expectRefusal(site, attempt, refusal)

describe('rejects, by flag and by request:', () => {
  const pairs: [string, Readonly<Record<string, string>>, Refusal][] = [
    ['a misspelt type', { type: 'postgrse' }, { fields: ['type'], says: /did you mean "postgres"/i }],
    ['an unknown type', { type: 'oracle' }, { fields: ['type'], says: /must be one of postgres, mysql/ }],
    [
      'a port that is not a number',
      { port: 'abc' },
      { fields: ['port'], says: /port: must be a whole number from 1 to 65535/ },
    ],
    [
      'a port above 65535',
      { port: '70000' },
      { fields: ['port'], says: /port: must be a whole number from 1 to 65535/ },
    ],
    ['port 0', { port: '0' }, { fields: ['port'], says: /port: must be a whole number from 1 to 65535/ }],
    ['a port with a fraction', { port: '54.32' }, { fields: ['port'], says: /port: must be a whole number/ }],
    ['a port with a sign', { port: '+5432' }, { fields: ['port'], says: /port: must be a whole number/ }],
    [
      'a host with a scheme',
      { host: 'https://db.example.com/' },
      { fields: ['host'], says: /did you mean "db\.example\.com"/ },
    ],
    [
      'a host with a port',
      { host: 'db.example.com:5432' },
      { fields: ['host'], says: /did you mean "db\.example\.com"/ },
    ],
    [
      'a host with a path',
      { host: 'db.example.com/main' },
      { fields: ['host'], says: /host: must be a hostname or an IP address/ },
    ],
    [
      'a host with a space',
      { host: 'db example' },
      { fields: ['host'], says: /host: must be a hostname or an IP address/ },
    ],
    [
      'an invalid IP address',
      { host: '10.0.0.256' },
      { fields: ['host'], says: /host: must be a hostname or an IP address/ },
    ],
    [
      'a host of 254 characters',
      { host: `${'a.'.repeat(126)}bc` },
      { fields: ['host'], says: /host: must have at most 253 characters/ },
    ],
    [
      'a URL with a password as host',
      { host: 'postgres://u:MARKERpassword@db.example.com/x' },
      { fields: ['host'], says: /did you mean "db\.example\.com"/ },
    ],
    ['an empty text', { username: '' }, { fields: ['username'], says: /username: must not be empty/ }],
    [
      'a text of 1025 characters',
      { username: 'x'.repeat(1025) },
      { fields: ['username'], says: /username: must have at most 1,024 characters/ },
    ],
    [
      'a text with a control character',
      { username: 'a\u001bb' },
      { fields: ['username'], says: /username: must not contain control characters/ },
    ],
    ['a misspelt choice', { ssl_mode: 'requires' }, { fields: ['ssl_mode'], says: /did you mean "require"/ }],
    [
      'an invalid certificate',
      { ssl_ca: 'MARKERkeybody' },
      { fields: ['ssl_ca'], says: /ssl_ca: must be one or more certificates in PEM format/ },
    ],
    [
      'an invalid fingerprint',
      { ...{ jump_host: 'j', ssh_username: 'u' }, ssh_host_key: 'SHA256:short' },
      { fields: ['ssh_host_key', 'ssh_private_key'], says: /ssh-keygen -l/ },
    ],
    [
      'a jump host alone',
      { jump_host: 'j' },
      { fields: ['ssh_username', 'ssh_private_key'], says: /set all of them or none/ },
    ],
    [
      'an SSH user alone',
      { ssh_username: 'u' },
      { fields: ['jump_host', 'ssh_private_key'], says: /set all of them or none/ },
    ],
    [
      'an SSH port without a jump host',
      { ssh_port: '22' },
      { fields: ['ssh_port'], says: /ssh_port: requires jump_host/ },
    ],
    [
      'too many connections',
      { max_connections: '10001' },
      { fields: ['max_connections'], says: /max_connections: must be a whole number from 1 to 10000/ },
    ],
    ['an env with a space', { env: 'my env' }, { fields: ['env'], says: /env: must be 1 to 64 letters/ }],
    ['an env of 65 characters', { env: 'e'.repeat(65) }, { fields: ['env'], says: /env: must be 1 to 64 letters/ }],
  ]

  test.each(pairs)('%s', async (_, given, refusal) => {
    const flags = Object.fromEntries(Object.entries(given).map(([key, value]) => [key.replaceAll('_', '-'), value]))
    await expectRefused(byFlags(flags), refusal)
    await expectRefused(byRequest(given), refusal)
  })

  // `String` throws for the first. Found by fuzz.test.ts.
  test.each([
    ['an object', { toString: null }],
    ['a list', ['postgres']],
  ])('a type that is %s', async (_, type) => {
    await expectRefused(byRequest({ type }), { fields: ['type'], says: /type: must be one of postgres, mysql/ })
    const batch = JSON.stringify([{ name: 'New', env: 'dev', ...plainFields, type }])
    await expectRefused(
      { args: ['apply', '-f', '-'], stdin: batch },
      { fields: ['Standard input (New), type'], says: /must be one of postgres, mysql/ },
    )
    await expectRefused(
      { args: ['delete', '-f', '-', '--yes'], stdin: JSON.stringify({ id: type }) },
      { fields: ['Standard input, id'], says: /id: must be a UUID/ },
    )
  })

  test('a type or an id that contains itself', async () => {
    const says = /type: must be one of postgres, mysql/
    const yaml = (field: string) => `name: New\nenv: dev\n${field}: &a [*a]\n`
    await expectRefused({ args: ['create', '-f', '-'], stdin: yaml('type') }, { fields: ['type'], says })
    await expectRefused(
      { args: ['apply', '-f', '-'], stdin: yaml('type') },
      { fields: ['Standard input (New), type'], says: /must be one of postgres, mysql/ },
    )
    await expectRefused(
      { args: ['delete', '-f', '-', '--yes'], stdin: yaml('id') },
      { fields: ['Standard input, id'], says: /must be a UUID/ },
    )
  })

  test.each([
    ['of 256 characters', 'n'.repeat(256), /name: must have at most 255 characters/],
    ['with a control character', 'a\tb', /name: must not contain control characters/],
    ['with a line break', 'a\nb', /name: must not contain control characters/],
    ['of spaces', '   ', /name: must not be empty/],
    ['that is empty', '', /name: must not be empty/],
  ])('a name %s', async (_, name, says) => {
    await expectRefused(byFlags({}, name), { fields: ['name'], says })
    await expectRefused(byRequest({ name }), { fields: ['name'], says })
    await expectRefused({ args: ['update', id, '--set-name', name] }, { fields: ['name'], says })
  })

  test('a flag or key of another type, with the fields of this type', async () => {
    const databricks = { type: 'databricks', host: 'h', 'api-key': '-', 'warehouse-id': 'w', 'default-catalog': 'c' }
    const own = { username: undefined, password: undefined, 'default-database': undefined }
    await expectRefused(byFlags({ ...own, ...databricks, 'jump-host': 'j' }), {
      fields: ['jump_host'],
      says: /is not a field of databricks.*the fields are host, api_key, warehouse_id, default_catalog, default_schema/,
    })
    await expectRefused(byRequest({ pasword: 'MARKERpassword' }), {
      fields: ['pasword'],
      says: /pasword: is not a field of postgres; did you mean "password"\?.*the fields are host, port, username/,
    })
    await expectRefused(byRequest({ defaultDatabase: 'x', passwd: 'MARKERpassword' }), {
      fields: ['defaultDatabase', 'passwd'],
      says: /did you mean "default_database"/,
    })
  })

  test.each([
    ['after a colon, in a flow', 'password:MARKERpassword'],
    ['after an equals sign', 'password=MARKERpassword'],
    ['and the colon', 'password MARKERpassword'],
  ])('a key with its secret in it, for want of the blank %s', async (_, key) => {
    const says = /password…: is not a field of postgres/
    const text = `{name: New, env: dev, type: postgres, host: h, username: u, default_database: d, ${key}: x}`
    const files = { 'r.yaml': text, 'a.yaml': text.replace('New', 'Present') }
    const answer = JSON.stringify({ id, db_type: 'postgres', credentials: {}, [key]: 'x' })
    await expectRefused(byFile(text, 'r.yaml'), { fields: ['password…', 'password'], says })
    await expectRefused(
      { args: ['apply', '-f', 'r.yaml', '-f', 'a.yaml'], files },
      { fields: expect.arrayContaining(['r.yaml (New), password…', 'a.yaml (Present), password…']), says },
    )
    await expectRefused({ args: ['update', id, '-f', 'r.yaml'], files }, { fields: ['password…'], says, audited: true })
    await expectRefused({ args: ['update', id, '--unset', key] }, { fields: ['password…'], says, audited: true })
    await expectRefused(
      { args: ['update', id, '-f', '-'], stdin: answer },
      { fields: ['password…'], says: /otherwise remove it/ },
    )
    await expectRefused(byRequest({ type: `postgres ${key}` }), { fields: ['type'], says: /no type "postgres…"/ })
    expect(JSON.stringify((await everythingIn(site)).intents)).not.toContain('MARKER')
    expect(JSON.stringify((await everythingIn(site)).events)).not.toContain('MARKER')
  })

  test('an alias that differs from its field', async () => {
    await expectRefused(byRequest({ database: 'another' }), {
      fields: ['database'],
      says: /differs from default_database/,
    })
    await expectRefused(byRequest({ schema: 'a', schemas: ['b'] }), {
      fields: ['schemas'],
      says: /differs from schema/,
    })
  })
})
