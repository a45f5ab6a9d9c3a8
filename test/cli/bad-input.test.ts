import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mainRequest, plainFields, plainStored } from '../support/examples.ts'
import { folderWith } from '../support/requests.ts'
import { BIN, cleanEnvironment, json, jsonError, type RunResult } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { everythingIn } from '../support/stored.ts'
import { MARKERS, openSshKey, serviceAccount } from '../unit/source-types/samples.ts'

let site: Site
/** A postgres source that updates are tried on. */
let id: string

beforeAll(async () => {
  site = await createSite()
  const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
  id = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
})
afterAll(() => site.drop())

interface Attempt {
  readonly args: readonly string[]
  readonly stdin?: string | Buffer
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly env?: Readonly<Record<string, string>>
}

interface Refusal {
  /** The fields that the error names, in order. */
  readonly fields?: readonly string[]
  /** What a person reads: what is wrong, and what to do. */
  readonly says: RegExp
}

/** Tries it as text and with -o json: both say the same, nothing is written, and no marker is seen. */
async function expectRefused({ files = {}, args, stdin, env }: Attempt, { fields, says }: Refusal, exact = true) {
  const cwd = folderWith(files)
  const before = await everythingIn(site)
  const text = await site.dsctl(args, { stdin, cwd, env })
  const document = await site.dsctl([...args, '-o', 'json'], { stdin, cwd, env })
  for (const result of [text, document]) {
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expectNoMarker(result)
  }
  expect(text.stderr).toMatch(says)
  expect(text.stderr).toMatch(/^dsctl: [^\n]+\n/)
  expect(text.stderr).not.toMatch(/ {2,}at |undefined|\[object/)
  const error = jsonError(document)
  expect(error).toMatchObject({ code: 'invalid', status: 400, exit_code: 2 })
  expect(error.fields?.map(({ field }) => field)).toEqual(fields)
  expect(text.stderr).toBe(asText(error))
  const after = await everythingIn(site)
  if (exact) expect(after).toEqual(before)
  else
    expect({ records: after.records, secrets: after.secrets }).toEqual({
      records: before.records,
      secrets: before.secrets,
    })
}

/** Each problem on a line of its own, the hint last. */
function asText({ message, fields = [], hint }: ReturnType<typeof jsonError>): string {
  const problems = fields.map(problem => `  ${problem.field}: ${problem.message}`)
  const lines = [`dsctl: ${message}`, ...problems, ...(hint === undefined ? [] : [hint])]
  return lines.map(line => `${line.replaceAll('\n', '\\n')}\n`).join('')
}

function expectNoMarker({ stdout, stderr }: RunResult) {
  for (const marker of [...MARKERS, 'MARKER']) expect(stdout + stderr).not.toContain(marker)
}

const FLAGS = {
  env: 'dev',
  type: 'postgres',
  host: 'db.example.com',
  username: 'db_user',
  password: '-',
  'default-database': 'main_db',
}

/** A create by flags that is valid but for what is given; undefined leaves a flag out. */
function byFlags(flags: Readonly<Record<string, string | undefined>>, name = 'New'): Attempt {
  const all = Object.entries({ ...FLAGS, ...flags })
  const args = all.flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]))
  return { args: ['create', name, ...args], stdin: 'MARKERpassword' }
}

/** A create by a request on standard input, valid but for what is given. */
function byRequest(fields: Readonly<Record<string, unknown>>): Attempt {
  const request = { name: 'New', env: 'dev', type: 'postgres', ...plainFields, ...fields }
  return { args: ['create', '-f', '-'], stdin: JSON.stringify(request) }
}

/** A create by a request file of this text. */
function byFile(text: string | Buffer, name = 'request.json'): Attempt {
  return { args: ['create', '-f', name], files: { [name]: text } }
}

describe('refused, by flag and by request alike:', () => {
  const pairs: [string, Readonly<Record<string, string>>, Refusal][] = [
    ['a type that is misspelt', { type: 'postgrse' }, { fields: ['type'], says: /did you mean "postgres"/i }],
    ['a type that there is none of', { type: 'oracle' }, { fields: ['type'], says: /must be one of postgres, mysql/ }],
    [
      'a port that is no number',
      { port: 'abc' },
      { fields: ['port'], says: /port: must be a whole number from 1 to 65535/ },
    ],
    [
      'a port that is too high',
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
      'an IP address that is none',
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
    ['a choice that is misspelt', { ssl_mode: 'requires' }, { fields: ['ssl_mode'], says: /did you mean "require"/ }],
    [
      'a certificate that is none',
      { ssl_ca: 'MARKERkeybody' },
      { fields: ['ssl_ca'], says: /ssl_ca: must be one or more certificates in PEM format/ },
    ],
    [
      'a fingerprint that is none',
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

  // `String` throws of the first. Found by fuzz.test.ts.
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

  test('a type or an id that holds itself', async () => {
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

  test('a flag or a key that the type does not have, with the fields that it has', async () => {
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
    await expectRefused({ args: ['update', id, '-f', 'r.yaml'], files }, { fields: ['password…'], says }, false)
    await expectRefused({ args: ['update', id, '--unset', key] }, { fields: ['password…'], says }, false)
    await expectRefused({ args: ['update', id, '-f', '-'], stdin: answer }, { fields: ['password…'], says: /nowhere/ })
    await expectRefused(byRequest({ type: `postgres ${key}` }), { fields: ['type'], says: /no type "postgres…"/ })
    expect(JSON.stringify((await everythingIn(site)).intents)).not.toContain('MARKER')
    expect(JSON.stringify((await everythingIn(site)).events)).not.toContain('MARKER')
  })

  test('an alias and its field that differ', async () => {
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

describe('refused as a secret:', () => {
  const secretOf = (value: unknown) => byRequest({ password: value })

  test.each([
    ['a password on the command line', { password: 'MARKERpassword' }, ['password']],
    ['a key on the command line', { 'ssh-private-key': 'MARKERkeybody' }, ['ssh_private_key']],
    ['an environment variable’s value, expanded by the shell', { password: 'env:MARKER-password' }, ['password']],
    ['several on the command line', { password: 'MARKERpassword', 'api-key': 'MARKERtoken' }, ['password', 'api_key']],
  ])('%s', async (_, flags, fields) => {
    const says = /must be -, @FILE, env:NAME or vault:MOUNT\/PATH#FIELD: values on the command line are visible/
    await expectRefused(byFlags(flags), { fields, says })
    const options = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
    await expectRefused({ args: ['update', id, ...options] }, { fields, says })
  })

  test('a password stuck to its flag', async () => {
    const { args } = byFlags({ password: undefined })
    const says = /values on the command line are visible/
    await expectRefused({ args: [...args, '--password=MARKERpassword'] }, { fields: ['password'], says })
  })

  test('a literal secret before anything else is looked at, a missing token too', async () => {
    const attempt = { ...byFlags({ password: 'MARKERpassword', port: 'abc' }), env: { VAULT_TOKEN: '' } }
    await expectRefused(attempt, { fields: ['password'], says: /values on the command line/ })
  })

  test.each([
    ['--pasword=MARKERpassword', /Unknown option '--pasword'.*\n.*--password/],
    [`--pasword=a'MARKERpassword'b`, /Unknown option '--pasword'\./],
    ['--pasword=line\nMARKERpassword', /Unknown option '--pasword'\./],
    ['--pasword=line\n(Did you mean MARKERpassword?)', /Unknown option '--pasword'\./],
    ['-pMARKERpassword', /Unknown option '-p'\./],
    ['--dry-run=MARKERpassword', /Unknown option '--dry-run'\./],
    ['--dry-run=\nMARKERpassword', /Unknown option '--dry-run'\./],
  ])('one that is stuck to a flag that there is none of: %j', async (glued, says) => {
    await expectRefused({ args: ['create', 'New', glued] }, { says })
    await expectRefused({ args: ['update', id, glued] }, { says })
    await expectRefused(
      { args: ['config', 'set', 'env', 'dev', glued.replace('dry-run', 'set-name')] },
      { says: /Unknown option/ },
    )
    await expectRefused({ args: [glued.replace('dry-run', 'no-input'), 'list'] }, { says: /Unknown option/ })
  })

  test('a place in Vault that would be the same for every data source', async () => {
    const env = { DSCTL_VAULT_PATH: 'data-sources?{id}' }
    const refusal = { fields: ['vault.path'], says: /vault\.path: must be names separated by \// }
    await expectRefused({ ...byRequest({}), env }, refusal)
    await expectRefused({ args: ['update', id, '--port', '7000'], env }, refusal)
  })

  test.each(['[REDACTED]', '[redacted]', '****', '********', '<redacted>', ' ******** '])('the mask %s', async mask => {
    await expectRefused(secretOf(mask), { fields: ['password'], says: /password: is a mask: give the secret itself/ })
    const { args } = byFlags({})
    await expectRefused({ args, stdin: mask }, { fields: ['password'], says: /password: is a mask/ })
  })

  test('a mask in a field that is no secret', async () => {
    await expectRefused(byRequest({ host: '[REDACTED]' }), {
      fields: ['host'],
      says: /host: must not contain \[REDACTED\]/,
    })
  })

  test.each([
    ['nothing', ''],
    ['a line end alone', '\n'],
    ['a Windows line end alone', '\r\n'],
  ])('%s', async (_, stdin) => {
    const { args } = byFlags({})
    await expectRefused({ args, stdin }, { fields: ['password'], says: /password: must not be empty/ })
    await expectRefused(
      { args: ['update', id, '--password', '-'], stdin },
      { fields: ['password'], says: /must not be empty/ },
      false,
    )
    const file = byFlags({ password: '@secret' })
    await expectRefused(
      { ...file, files: { secret: stdin } },
      { fields: ['password'], says: /password: must not be empty/ },
    )
  })

  test.each([
    ['a variable that is not set', 'env:NOT_SET', /password: comes from NOT_SET, which is not set/],
    ['a variable that is empty', 'env:EMPTY', /password: comes from EMPTY, which is not set/],
    ['a file that is not there', '@missing', /password: comes from missing, which does not exist/],
    ['a folder', '@.', /password: comes from \., which is a folder/],
    ['bytes that are no UTF-8', '@latin1', /password: is not UTF-8 text/],
    ['several lines', '@lines', /password: must be one line/],
    ['a text of 1025 characters', '@long', /password: must have at most 1,024 characters/],
  ])('%s', async (_, password, says) => {
    const latin1 = Buffer.concat([Buffer.from('MARKERpassword'), Buffer.from([0xe9])])
    const files = { latin1, lines: 'MARKERpassword\nMARKERtoken\n', long: 'MARKERpassword'.repeat(80) }
    await expectRefused({ ...byFlags({ password }), files, env: { EMPTY: '' } }, { fields: ['password'], says })
  })

  test('two from standard input', async () => {
    const attempt = byFlags({ 'jump-host': 'j', 'ssh-username': 'u', 'ssh-private-key': '-' })
    const says = /ssh_private_key: cannot come from standard input too: only one secret/
    await expectRefused(attempt, { fields: ['ssh_private_key'], says })
  })

  test('one from standard input that is the request already', async () => {
    const { stdin = '' } = byRequest({ password: undefined })
    const says = /password: cannot come from standard input too: the request itself comes from there/
    await expectRefused({ args: ['create', '-f', '-', '--password', '-'], stdin }, { fields: ['password'], says })
    const change = { args: ['update', id, '-f', '-', '--password', '-'], stdin: '{"host":"h"}' }
    await expectRefused(change, { fields: ['password'], says })
  })

  test.each([
    ['a key that is none', 'MARKERkeybody'],
    ['a public key', 'ssh-ed25519 AAAAMARKERkeybody user@host'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMARKERkeybody\n-----END CERTIFICATE-----\n'],
    ['a key whose line breaks are lost', openSshKey.replaceAll('\n', ' ')],
    ['a key whose line breaks stand as \\n', openSshKey.replaceAll('\n', '\\n')],
    ['a key without its end', openSshKey.split('\n').slice(0, -2).join('\n')],
    ['a key of more than 64 KiB', openSshKey.replace('\n', `\n${'MARKERkeybody'.repeat(6000)}\n`)],
  ])('%s', async (_, key) => {
    const tunnel = { jump_host: 'j', ssh_username: 'u', ssh_private_key: key }
    const says = /ssh_private_key: must (be a private key in PEM or OpenSSH format|have at most 64 KiB)/
    await expectRefused(byRequest(tunnel), { fields: ['ssh_private_key'], says })
  })

  test.each([
    ['no JSON', 'MARKERkeybody {', /service_account_key: must be the JSON object of a service account key/],
    ['a list', '["MARKERkeybody"]', /service_account_key: must be the JSON object/],
    [
      'of another type',
      JSON.stringify({ ...serviceAccount, type: 'authorized_user' }),
      /its type must be "service_account"/,
    ],
    ['without its project', JSON.stringify({ ...serviceAccount, project_id: undefined }), /its project_id is missing/],
    [
      'whose private key is broken',
      JSON.stringify({ ...serviceAccount, private_key: 'MARKERkeybody' }),
      /its private_key must be/,
    ],
  ])('a service account key that is %s', async (_, key, says) => {
    const bigquery = { name: 'New', env: 'dev', type: 'bigquery', default_dataset: 'd' }
    const file = { args: ['create', '-f', '-'], stdin: JSON.stringify({ ...bigquery, service_account_key: key }) }
    await expectRefused(file, { fields: ['service_account_key'], says })
    const flags = ['--env', 'dev', '--type', 'bigquery', '--default-dataset', 'd', '--service-account-key', '@key']
    await expectRefused(
      { args: ['create', 'New', ...flags], files: { key } },
      { fields: ['service_account_key'], says },
    )
  })

  test('a token that no header can hold', async () => {
    const databricks = { host: 'h', username: undefined, password: undefined, default_database: undefined }
    const request = { ...databricks, type: 'databricks', warehouse_id: 'w', default_catalog: 'c' }
    for (const api_key of ['MARKERtoken\n', 'MARKER token', 'MARKERtökén'])
      await expectRefused(byRequest({ ...request, api_key }), {
        fields: ['api_key'],
        says: /api_key: must be printable ASCII/,
      })
  })
})

describe('refused in a request file:', () => {
  const yaml = `name: New\nenv: dev\ntype: postgres\nhost: h\nusername: u\ndefault_database: d\n`

  test.each([
    ['JSON that breaks off', '{"password": "MARKERpassword', 'request.json', /request\.json is not valid JSON/],
    ['JSON with a stray word', '{"password": MARKERpassword}', 'request.json', /not valid JSON/],
    ['JSON with a comma too many', '{\n"password": "MARKERpassword",\n}', 'request.json', /not valid JSON \(line 3\)/],
    ['JSON in a file that does not say so', '{"password": MARKERpassword}', 'request', /request is not valid JSON/],
    [
      'YAML with an open quote',
      `${yaml}password: "MARKERpassword`,
      'request.yaml',
      /request\.yaml is not valid YAML \(line/,
    ],
    ['YAML with a tab', `${yaml}\tpassword: MARKERpassword`, 'request.yaml', /not valid YAML \(line 7\)/],
    [
      'YAML with a key that stands twice',
      `${yaml}password: MARKERpassword\npassword: MARKERtoken`,
      'request.yaml',
      /not valid YAML/,
    ],
    ['YAML with a merge key', `${yaml}<<: {password: MARKERpassword}`, 'request.yaml', /<</],
    ['YAML with an alias of nothing', `${yaml}password: *MARKERpassword`, 'request.yaml', /YAML/],
    [
      'two documents',
      `${yaml}---\n${yaml}`,
      'request.yaml',
      /contains 2 requests, but this command takes one\.\nUse dsctl apply -f for several/,
    ],
    ['a list', '["MARKERpassword"]', 'request.json', /does not contain an object/],
    ['a word', 'MARKERpassword', 'request', /does not contain an object/],
    ['nothing', '', 'request.json', /is empty/],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'request.json', /is not UTF-8 text/],
  ])('%s', async (_, text, name, says) => {
    const merge = String(text).includes('<<')
    await expectRefused(byFile(text, name), { says, ...(merge && { fields: ['<<', 'password'] }) })
  })

  test('YAML whose value is a template that was never filled in', async () => {
    const attempt = byFile(`${yaml}password: {{ MARKERpassword }}\n`, 'request.yaml')
    await expectRefused(attempt, { fields: ['password'], says: /password: must be a string, not an object/ })
  })

  test('YAML that would grow without end', async () => {
    const bomb = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`)
    await expectRefused(byFile(`a0: &a0 MARKERpassword\n${bomb.join('\n')}\n`, 'request.yaml'), {
      says: /YAML aliases/,
    })
  })

  test('the same on standard input', async () => {
    const from = (stdin: string | Buffer) => ({ args: ['create', '-f', '-'], stdin })
    await expectRefused(from('{"password": "MARKERpassword'), { says: /Standard input is not valid JSON/ })
    await expectRefused(from(`${yaml}password: "MARKERpassword`), { says: /Standard input is not valid YAML/ })
    await expectRefused(from(''), { says: /Standard input is empty/ })
  })

  test('2 MiB, by file and by standard input', async () => {
    const text = JSON.stringify({ ...mainRequest, password: 'MARKERpassword'.repeat(150_000) })
    expect(text.length).toBeGreaterThan(2 * 1024 * 1024)
    await expectRefused(byFile(text), { says: /request\.json is larger than 1 MiB/ })
    await expectRefused({ args: ['create', '-f', '-'], stdin: text }, { says: /Standard input is larger than 1 MiB/ })
  })

  test('that is not there, or is a folder', async () => {
    await expectRefused(
      { args: ['create', '-f', 'missing.json'] },
      { says: /missing\.json does not exist\.\nPass -f a file/ },
    )
    await expectRefused({ args: ['update', id, '-f', '.'] }, { says: /\. is a folder\./ })
  })

  test.each([
    ['a number as password', 'password: 12345678', ['password'], /password: must be a string: quote it/],
    ['a date as password', 'password: 0x10', ['password'], /password: must be a string: quote it/],
    ['true as password', 'password: true', ['password'], /password: must be a string: quote it/],
    ['nothing as password', 'password:', ['password'], /password: must not be null/],
    ['a list as password', 'password: [MARKERpassword]', ['password'], /password: must be a string, not a list/],
    ['a number as name', 'password: x\nname: 5', ['name'], /name: must be a string: quote it/],
    ['a number as env', 'password: x\nenv: 1.0', ['env'], /env: must be a string: quote it/],
    ['a number as user', 'password: x\nusername: 007', ['username'], /username: must be a string: quote it/],
    ['true as port', 'password: x\nport: true', ['port'], /port: must be a whole number/],
    ['two schemas', 'password: x\nschemas: [a, b]', ['schemas'], /schemas: must be a list with one item/],
    ['a schema as a list', 'password: x\nschema: [a]', ['schema'], /schema: must be a string, not a list/],
  ])('%s', async (_, lines, fields, says) => {
    const keys = lines.split('\n').map(line => line.split(':')[0])
    const rest = yaml.split('\n').filter(line => !keys.includes(line.split(':')[0]))
    await expectRefused(byFile([...rest, lines].join('\n'), 'request.yaml'), { fields, says })
  })

  test('booleans that are said otherwise', async () => {
    const says = /encrypt: must be true or false/
    for (const encrypt of ['yes', 1, 'TRUE', ''])
      await expectRefused(byRequest({ type: 'sqlserver', encrypt }), { fields: ['encrypt'], says })
  })

  describe('a source that is out of its reach:', () => {
    const request = (from: string) =>
      JSON.stringify({ name: 'New', env: 'dev', type: 'postgres', ...plainFields, password: { from } })

    test.each([
      [
        'any environment variable',
        'env:HOME',
        /password: comes from a variable that a request file may not name: .*DSCTL_SECRET_/,
      ],
      ['the Vault token', 'env:VAULT_TOKEN', /password: comes from a variable that a request file may never name/],
      ['a file above it', '@../secret', /password: comes from a file outside the folder of the request file/],
      ['a file at an absolute path', '@/etc/hostname', /password: comes from a file outside the folder/],
      ['a link that leads out', '@link', /password: comes from a file outside the folder/],
      ['a folder that leads out', '@folder/hostname', /password: comes from a file outside the folder/],
      [
        'any secret in Vault',
        'vault:secret/other#password',
        /password: comes from a path in Vault that a request file may not name/,
      ],
      ['standard input', '-', /password: cannot come from standard input in a request file/],
      ['a file beside it that is missing', '@missing', /password: comes from \S+missing, which does not exist/],
      ['what is no source', 'MARKERpassword', /password: must be a string, or \{from: SOURCE\}/],
    ])('%s', async (_, from, says) => {
      const files = { 'request.json': request(from) }
      const cwd = folderWith(files)
      symlinkSync('/etc/hostname', join(cwd, 'link'))
      symlinkSync('/etc', join(cwd, 'folder'))
      const attempt = { args: ['create', '-f', join(cwd, 'request.json')], env: { SECRET: 'MARKERpassword' } }
      await expectRefused(attempt, { fields: ['password'], says })
      const { args } = attempt
      await expectRefused({ args: ['update', id, ...args.slice(1)] }, { fields: ['password'], says }, false)
    })

    test('a file, where the request comes on standard input and so has no folder', async () => {
      const attempt = { args: ['create', '-f', '-'], stdin: request('@secret'), files: { secret: 'MARKERpassword' } }
      await expectRefused(attempt, { fields: ['password'], says: /outside the folder of the request file/ })
    })

    test('a source for what is no secret, or with more beside it', async () => {
      const host = byRequest({ host: { from: 'env:DSCTL_SECRET_HOST' } })
      await expectRefused(host, { fields: ['host'], says: /host: must be the value itself/ })
      const more = byRequest({ password: { from: 'env:DSCTL_SECRET_P', else: 'MARKERpassword' } })
      await expectRefused(more, {
        fields: ['password'],
        says: /password: must be a string, or \{from: SOURCE\} with no other key/,
      })
    })
  })
})

describe('every problem is told at once:', () => {
  test('of a request', async () => {
    const attempt = byRequest({
      name: 'n'.repeat(256),
      env: 'my env',
      host: 'https://db.example.com',
      port: 70000,
      password: '****',
      pasword: 'MARKERpassword',
      jump_host: 'j',
      default_database: undefined,
    })
    const fields = [
      'name',
      'env',
      'host',
      'port',
      'password',
      'pasword',
      'default_database',
      'ssh_username',
      'ssh_private_key',
    ]
    const says = /name: [\s\S]*env: [\s\S]*host: [\s\S]*default_database: is required/
    const cwd = folderWith({})
    const result = await site.dsctl([...attempt.args, '-o', 'json'], { stdin: attempt.stdin, cwd })
    expect(
      jsonError(result)
        .fields?.map(({ field }) => field)
        .sort(),
    ).toEqual([...fields].sort())
    await expectRefused(attempt, { fields: jsonError(result).fields?.map(({ field }) => field) ?? [], says })
  })

  test('of what is missing, with each flag, and no question where nobody can answer', async () => {
    const { args } = byFlags({ username: undefined, password: undefined, 'default-database': undefined })
    const fields = ['username', 'password', 'default_database']
    await expectRefused({ args }, { fields, says: /Missing: --username, --password, --default-database\.$/m })
    const nothing = { args: ['create', '--type', 'postgres'] }
    const all = ['name', 'env', 'host', ...fields]
    await expectRefused(nothing, {
      fields: all,
      says: /NAME, --env ENV, --host, --username, --password, --default-database/,
    })
    await expectRefused(
      { args: ['create'] },
      { fields: ['name', 'env', 'type'], says: /NAME, --env ENV, --type TYPE, and the fields of that type/ },
    )
    const snowflake = { args: ['create', 'New', '--env', 'dev', '--type', 'snowflake'] }
    await expectRefused(snowflake, {
      fields: ['account_id', 'warehouse_id', 'username', 'default_database', 'password'],
      says: /--password or --private-key/,
    })
  })

  test('of fetched secrets', async () => {
    const tunnel = { 'jump-host': 'j', 'ssh-username': 'u', 'ssh-private-key': '@missing' }
    const says = /password: comes from NOT_SET[\s\S]*ssh_private_key: comes from missing, which does not exist/
    await expectRefused(byFlags({ ...tunnel, password: 'env:NOT_SET' }), {
      fields: ['password', 'ssh_private_key'],
      says,
    })
  })

  test('of an update', async () => {
    const attempt = { args: ['update', id, '--port', 'abc', '--host', 'a b', '--unset', 'username', 'nonsense'] }
    const result = await site.dsctl([...attempt.args, '-o', 'json'])
    const fields = jsonError(result).fields?.map(({ field }) => field) ?? []
    expect([...fields].sort()).toEqual(['host', 'nonsense', 'port', 'username'])
    await expectRefused(attempt, { fields, says: /is required and cannot be unset/ }, false)
    expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toEqual(plainStored)
  })

  test('a standard input that stays open is not waited for', async () => {
    const env = cleanEnvironment(site.env, site.home)
    const child = spawn(process.execPath, [BIN, 'create', '--type', 'postgres'], {
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    const [code, signal] = await once(child, 'exit')
    clearTimeout(timer)
    child.stdin.destroy()
    expect({ code, signal }).toEqual({ code: 2, signal: null })
  })
})

describe('refused in an update:', () => {
  test.each([
    ['nothing to do', [], undefined, undefined, /Nothing to update/],
    [
      'an unknown field to unset',
      ['--unset', 'nonsense'],
      undefined,
      ['nonsense'],
      /nonsense: is not a field of postgres/,
    ],
    ['a required field to unset', ['--unset', 'host'], undefined, ['host'], /host: is required and cannot be unset/],
    [
      'a field both given and unset',
      ['--unset', 'port', '--port', '1'],
      undefined,
      ['port'],
      /port: is both set and unset/,
    ],
    ['another type', ['-f', '-'], '{"type":"mysql"}', ['type'], /type: is postgres and cannot be changed/],
    [
      'a mask where nothing is stored',
      ['-f', '-'],
      '{"ssh_private_key":"[REDACTED]"}',
      ['ssh_private_key'],
      /is a mask, but no secret is stored/,
    ],
    ['half a tunnel', ['--jump-host', 'j'], undefined, ['ssh_username', 'ssh_private_key'], /set all of them or none/],
    ['a field of another type', ['--warehouse-id', 'w'], undefined, ['warehouse_id'], /is not a field of postgres/],
    [
      'an answer with a key of its own',
      ['-f', '-'],
      '{"db_type":"postgres","credentials":{},"password":"MARKERpassword"}',
      ['password'],
      /belongs in credentials/,
    ],
    [
      'an answer with a type beside its own',
      ['-f', '-'],
      '{"db_type":"postgres","type":"mysql","credentials":{}}',
      ['type'],
      /differs from db_type/,
    ],
    [
      'an answer without credentials',
      ['-f', '-'],
      '{"db_type":"postgres","credentials":null}',
      undefined,
      /without credentials/,
    ],
    ['a bad env', ['--set-env', 'a b'], undefined, ['env'], /env: must be 1 to 64 letters/],
  ])('%s', async (_, args, stdin, fields, says) => {
    const attempt = { args: ['update', id, ...args], ...(stdin !== undefined && { stdin }) }
    await expectRefused(attempt, { says, ...(fields && { fields }) }, false)
    expect((await site.vault.readSecret(`data-sources/${id}`))?.version).toBe(1)
    const open = await site.database.query(`SELECT 1 FROM dsctl.pending_operations WHERE state <> 'closed'`)
    expect(open).toEqual([])
  })
})

describe('refused on the command line:', () => {
  test.each([
    ['an unknown command', ['craete'], undefined, /Unknown command 'craete'\.\nDid you mean create\?/],
    ['an unknown command that is like none', ['frobnicate'], undefined, /Unknown command.*\nRun dsctl --help/],
    ['an unknown subcommand', ['config', 'lst'], undefined, /Did you mean list\?/],
    ['no subcommand', ['config'], undefined, /Missing command/],
    ['global options and no command', ['--timeout', '5'], undefined, /Missing command/],
    ['a misspelt option', ['create', '--hots', 'h'], undefined, /Unknown option '--hots'\.\nDid you mean --host\?/],
    ['a misspelt global option', ['list', '--outptu', 'json'], undefined, /Did you mean --output\?/],
    ['an option of another command', ['get', 'Present', '--page', '1'], undefined, /Unknown option '--page'/],
    ['an option without its value', ['create', '--host'], undefined, /--host <HOST>' argument missing/],
    ['a missing REF', ['get'], undefined, /Missing required argument 'ref'/],
    ['a REF too many', ['update', 'one', 'two'], undefined, /Too many arguments for 'update'/],
    ['a page that is no number', ['list', '--page', 'abc'], ['page'], /page: must be a whole number from 0/],
    ['a page below 0', ['list', '--page', '-1'], ['page'], /page: must be a whole number from 0/],
    ['half a page', ['list', '--page', '1.5'], ['page'], /page: must be a whole number from 0/],
    [
      'a page size of 0',
      ['list', '--page-size', '0'],
      ['page-size'],
      /page-size: must be a whole number from 1 to 1000/,
    ],
    [
      'a page size of 1001',
      ['list', '--page-size', '1001'],
      ['page-size'],
      /page-size: must be a whole number from 1 to 1000/,
    ],
    [
      'page and page size',
      ['list', '--page', 'x', '--page-size', 'y'],
      ['page', 'page-size'],
      /page: [\s\S]*page-size: /,
    ],
    [
      'an unknown status',
      ['list', '--status', 'done'],
      ['status'],
      /status: must be one of notStarted, inProgress, completed, failed/,
    ],
    ['an unknown type', ['list', '--type', 'postgress'], ['type'], /did you mean "postgres"/i],
    [
      'an unknown --if-exists',
      ['create', 'New', '--if-exists', 'replace'],
      ['if-exists'],
      /if-exists: must be one of fail, skip, update/,
    ],
    ['an unknown schema', ['types', '--schema', 'request'], ['schema'], /schema: must be one of answer, create/],
    ['a type to show that there is none of', ['types', 'snowflak'], ['type'], /did you mean "snowflake"/i],
    [
      'a time-out of 0',
      ['list', '--timeout', '0'],
      ['timeout'],
      /timeout: must be .* more than 0 .*\n.*--timeout 3600/,
    ],
    [
      'a time-out that is no number',
      ['list', '--timeout', 'soon'],
      ['timeout'],
      /timeout: must be a number of seconds/,
    ],
    [
      'a time-out of days',
      ['list', '--timeout', '86400'],
      ['timeout'],
      /timeout: must be a number of seconds, more than 0 and at most 3600/,
    ],
    [
      'a profile that there is none of',
      ['list', '--profile', 'defualt'],
      undefined,
      /Profile defualt does not exist[\s\S]*Did you mean default\?/,
    ],
  ])('%s', async (_, args, fields, says) => {
    await expectRefused({ args }, { says, ...(fields && { fields }) })
  })

  test('an output format that there is none of, before anything is done', async () => {
    const before = await everythingIn(site)
    const { args, stdin } = byRequest({})
    for (const command of [
      args,
      ['list'],
      ['get', id],
      ['update', id, '--port', '1'],
      ['delete', id, '--yes'],
      ['types'],
    ]) {
      for (const [more, env] of [
        [['-o', 'xml'], {}],
        [['--output=xml'], {}],
        [[], { DSCTL_OUTPUT: 'xml' }],
      ] as const) {
        const result = await site.dsctl([...command, ...more], { stdin, env })
        expect(result).toMatchObject({ code: 2, stdout: '' })
        expect(result.stderr).toMatch(/output: must be one of table, json, yaml, name, id/)
      }
    }
    expect(await everythingIn(site)).toEqual(before)
  })

  test.each([
    ['with a password', 'postgres://u:MARKERpassword@h/d', /database\.url: must not contain a password.*PGPASSWORD/],
    [
      'with a password that holds a slash',
      'postgres://u:5/MARKERpassword@h/d',
      /database\.url: must not contain a password/,
    ],
    [
      'with a password as a parameter',
      'postgres://u@h/d?password=MARKERpassword',
      /database\.url: must not contain a password/,
    ],
  ])('a database URL %s', async (_, url, says) => {
    await expectRefused({ args: ['init', '--database-url', url] }, { fields: ['database.url'], says })
  })

  test.each([
    ['that is none', 'MARKERpassword', /must look like postgres:\/\//],
    ['of another database', 'mysql://u:MARKERpassword@h/d', /must look like postgres:\/\//],
    ['whose password holds a slash', 'postgres://u:5/MARKERpassword@h/d', /%2F/],
    ['whose password holds a question mark', 'postgres://u:5?MARKERpassword@h/d', /%3F/],
    ['whose password holds a hash', 'postgres://u:5#MARKERpassword@h/d', /%23/],
    ['with an unknown parameter', 'postgres://u:MARKERpassword@h/d?sslmod=x', /sslmod: is not supported/],
    ['with an unknown sslmode', 'postgres://u:MARKERpassword@h/d?sslmode=maybe', /sslmode: must be one of disable/],
    ['with a broken escape', 'postgres://u:MARKER%password@h/d', /%25/],
  ])('a database URL of the environment %s', async (_, url, says) => {
    const cwd = folderWith({})
    for (const args of [['list'], ['get', 'x'], ['init', '--check']]) {
      const result = await site.dsctl(args, { cwd, env: { DSCTL_DATABASE_URL: url } })
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(says) })
      expectNoMarker(result)
    }
  })

  test('settings that are missing, with the way to set them', async () => {
    const nothing = { DSCTL_DATABASE_URL: undefined, VAULT_ADDR: undefined }
    const home = folderWith({})
    for (const [env, says] of [
      [{ ...nothing }, /is not set[\s\S]*DATABASE_URL and VAULT_ADDR/],
      [{ ...nothing, VAULT_ADDR: site.vault.addr }, /database\.url is not set/],
      [{ VAULT_ADDR: 'vault.example.com' }, /must look like https:\/\//],
      [{ VAULT_ADDR: 'http://u:p%zz@127.0.0.1:1' }, /vault\.addr: .*%25/],
      [{ VAULT_ADDR: `${site.vault.addr}/v1` }, /vault\.addr: .*without \/v1/],
      [{ VAULT_ADDR: `${site.vault.addr}?x=1` }, /vault\.addr: .*without \? and #/],
      [{ VAULT_ADDR: `${site.vault.addr}/elsewhere` }, /not answer as Vault does[\s\S]*usually has no path/],
      [
        { ...nothing, VAULT_ADDR: site.vault.addr, PGHOST: 'h', PGPORT: 'abc' },
        /PGPORT: must be an integer from 1 to 65535/,
      ],
      [{ DSCTL_DATABASE_URL: 'postgres://h/d?port=abc' }, /database\.url: must be an integer from 1 to 65535/],
    ] as const) {
      const result = await site.dsctl(['list'], { home, env })
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(says) })
    }
  })

  test('a standard input that cannot be read', () => {
    const file = openSync(join(folderWith({}), 'written'), 'w')
    const env = cleanEnvironment(site.env, site.home)
    const result = spawnSync(process.execPath, [BIN, 'apply', '-f', '-'], { env, stdio: [file, 'ignore', 'pipe'] })
    expect(result.stderr.toString()).toBe('dsctl: Standard input cannot be read (EBADF).\n')
    expect(result.status).toBe(2)
    closeSync(file)
  })

  test('a Vault token that no header can hold', async () => {
    const result = await site.dsctl(['list', '-o', 'json'], { env: { VAULT_TOKEN: 'MARKER\ntoken' } })
    expect(result.code).toBe(2)
    expectNoMarker(result)
    expect(jsonError(result).message).toContain('token')
  })
})
