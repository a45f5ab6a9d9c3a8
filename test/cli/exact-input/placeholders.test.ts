import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { serviceAccount } from '../../unit/source-types/samples.ts'

const MASK = 'is a mask: enter the secret itself, or pass --allow-placeholder to store it as it is'
const UNFILLED = 'is an unfilled placeholder: enter the secret itself, or pass --allow-placeholder to store it as it is'

let site: Site
/** A postgres source for updates. */
let id: string
beforeAll(async () => {
  site = await createSite()
  id = json(await create({ name: 'Present' })).id
})
afterAll(() => site?.drop())

const create = (fields: object, more: readonly string[] = []) => {
  const request = { name: 'New', env: 'dev', type: 'postgres', ...plainFields, ...fields }
  return site.dsctl(['create', '-f', '-', '-o', 'json', ...more], { stdin: JSON.stringify(request) })
}
const stored = async (of: string) => (await site.vault.readSecret(`data-sources/${of}`))?.data
const problems = (result: Awaited<ReturnType<typeof create>>) => jsonError(result).fields

describe('A mask of another program is refused as a secret:', () => {
  test.each([
    ...[
      '***',
      'XXXXXXXXXX',
      '--------',
      '[MASKED]',
      '<hidden>',
      '(sensitive value)',
      '••••',
      'REDACTED',
      '*** REDACTED ***',
    ],
    ...[
      '[FILTERED]',
      '(sensitive)',
      '<concealed by 1Password>',
      '****************ABCD',
      ' [MASKED] ',
      '[REDACTED by DLP]',
    ],
  ])('%s', async password => {
    expect(problems(await create({ password }))).toEqual([{ field: 'password', message: MASK }])
  })
})

describe('An unfilled placeholder is refused as a secret:', () => {
  test.each([
    ...[
      `\${DB_PASSWORD}`,
      '{{ password }}',
      `\${DB_PASSWORD:-x}`,
      `app-\${DB_PASSWORD}`,
      '$DB_PASSWORD',
      '$(DB_PASSWORD)',
    ],
    ...[
      '%DB_PASSWORD%',
      '<%= password %>',
      '#{password}',
      '%{password}',
      '__PASSWORD__',
      '<your-password>',
      '[YOUR-PASSWORD]',
    ],
    ...[
      'CHANGE_ME',
      'changeme',
      'null',
      'undefined',
      '<no value>',
      '((password))',
      'op://vault/db/password',
      `\${{ secrets.X }}`,
    ],
  ])('%s', async password => {
    expect(problems(await create({ password }))).toEqual([{ field: 'password', message: UNFILLED }])
  })

  test('a source that is written as the secret', async () => {
    const message = expect.stringMatching(/^is a source, not a secret: write \{"from": "…"\}/)
    for (const password of ['env:DSCTL_SECRET_X', 'vault:kv/a#b']) {
      expect(problems(await create({ password }))).toEqual([{ field: 'password', message }])
    }
  })
})

test.each([
  ...[
    'example',
    'x',
    'hidden',
    'secret',
    '$ecret',
    '$Passw0rd',
    'a{{b',
    '<3love',
    '{SHA}abc',
    '%abc',
    'pass****word1',
    '$2b$12$K',
  ],
  ...['-- a --', 'Change.Me.2024!', '{"a":1}', '(abc)', '[abc123]'],
])('The password %s is accepted', async password => {
  const created = await create({ name: `With ${password}`, password })
  expect((await stored(json(created).id))?.password).toBe(password)
})

describe('In every form, without and with --allow-placeholder:', () => {
  const secret = `\${DB_PASSWORD}`
  const flags = ['--env', 'dev', '--type', 'postgres', '--host', 'h', '--username', 'u', '--default-database', 'd']

  test.each<[string, string[], object]>([
    ['a file', ['--password', '@secret'], {}],
    ['standard input', ['--password', '-'], { stdin: secret }],
    ['a variable', ['--password', 'env:SECRET'], { env: { SECRET: secret } }],
    ['a request', ['-f', 'request.json'], {}],
    ['a file of a request', ['-f', 'refers.json'], {}],
    ['a variable of a request', ['-f', 'variable.json'], { env: { DSCTL_SECRET_X: secret } }],
  ])('%s', async (form, source, options) => {
    const cwd = folderWith({
      secret: `${secret}\n`,
      'request.json': JSON.stringify({ password: secret }),
      'refers.json': JSON.stringify({ password: { from: '@secret' } }),
      'variable.json': JSON.stringify({ password: { from: 'env:DSCTL_SECRET_X' } }),
    })
    const args = ['create', `By ${form}`, ...flags, ...source, '-o', 'json']
    expect(problems(await site.dsctl(args, { cwd, ...options }))).toEqual([{ field: 'password', message: UNFILLED }])
    const allowed = await site.dsctl([...args, '--allow-placeholder'], { cwd, ...options })
    expect((await stored(json(allowed).id))?.password).toBe(secret)
    const update = ['update', id, ...source, '-o', 'json']
    expect(problems(await site.dsctl(update, { cwd, ...options }))).toEqual([{ field: 'password', message: UNFILLED }])
    expect(await site.dsctl([...update, '--allow-placeholder'], { cwd, ...options })).toMatchObject({ code: 0 })
    expect((await stored(id))?.password).toBe(secret)
    expect(await site.dsctl(['update', id, '--password', 'env:P'], { env: { P: 'real' } })).toMatchObject({ code: 0 })
  })

  test('a batch, its differences and a test', async () => {
    const request = { env: 'dev', type: 'postgres', ...plainFields, password: secret }
    const files = {
      'a.json': JSON.stringify([
        { ...request, name: 'A' },
        { ...request, name: 'Present' },
      ]),
    }
    const cwd = folderWith({ ...files, 'one.json': JSON.stringify({ ...request, name: 'A' }) })
    const run = (...args: string[]) => site.dsctl(args, { cwd })
    for (const command of ['apply', 'diff']) {
      expect((await run(command, '-f', 'a.json')).stderr).toContain(
        `password: ${UNFILLED} (in 2 requests, first in a.json, request 1 (A))`,
      )
    }
    expect((await run('test', '-f', 'one.json')).stderr).toContain(`password: ${UNFILLED}`)
    expect(await run('test', '-f', 'one.json', '--allow-placeholder')).toMatchObject({ code: 8 })
    expect(await run('apply', '-f', 'a.json', '--allow-placeholder')).toMatchObject({ code: 0 })
    expect(await run('diff', '-f', 'a.json', '--allow-placeholder')).toMatchObject({ code: 0 })
    const again = await run('create', '-f', 'one.json', '--if-exists', 'update', '--allow-placeholder')
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('unchanged') })
    expect((await stored(id))?.password).toBe(secret)
  })

  test('a stored placeholder does not hinder other changes', async () => {
    const host = { code: 0, stderr: 'Changed: host.\n' }
    expect(await site.dsctl(['update', id, '--host', 'h2.example.com'])).toMatchObject(host)
    expect(await site.dsctl(['get', id])).toMatchObject({ code: 0 })
    const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', host: 'h3.example.com' })
    const exported = json(await site.dsctl(['export', '-o', 'json'])).find(
      ({ name }: { name: string }) => name === 'Present',
    )
    const applied = await site.dsctl(['apply', '-f', '-'], {
      stdin: JSON.stringify({ ...exported, host: 'h3.example.com' }),
    })
    expect(applied.code, applied.stderr + stdin).toBe(0)
    expect((await stored(id))?.password).toBe(secret)
  })
})

test('A mask from a source is refused in an update too', async () => {
  for (const mask of ['****', '********', '[REDACTED]', '<redacted>']) {
    const result = await site.dsctl(['update', id, '--password', 'env:P', '-o', 'json'], { env: { P: mask } })
    expect(problems(result)).toEqual([{ field: 'password', message: 'is a mask: enter the secret itself' }])
  }
})

test('dsctl’s own mask is never stored', async () => {
  const refused = [{ field: 'password', message: 'is a mask: enter the secret itself' }]
  expect(problems(await create({ password: '[REDACTED]' }, ['--allow-placeholder']))).toEqual(refused)
  const stdin = JSON.stringify({ password: '[REDACTED]' })
  const kept = await site.dsctl(['update', id, '-f', '-', '--allow-placeholder'], { stdin })
  expect(kept).toMatchObject({ code: 0, stderr: expect.stringContaining('No changes') })
})

test('Masks and placeholders inside a service account key are refused by their name', async () => {
  const key = { ...serviceAccount, private_key: `\${PRIVATE_KEY}`, private_key_id: '[MASKED]' }
  const request = {
    type: 'bigquery',
    default_dataset: 'd',
    service_account_key: key,
    ...without(Object.keys(plainFields)),
  }
  const message = `its private_key_id ${MASK}; its private_key ${UNFILLED}`
  expect(problems(await create(request))).toEqual([{ field: 'service_account_key', message }])
  const allowed = await create({ ...request, service_account_key: JSON.stringify(key) }, ['--allow-placeholder'])
  expect(await stored(json(allowed).id)).toMatchObject({ service_account_key: key, project_id: 'key-project' })
})

test('A placeholder for a private key is stored if it is allowed', async () => {
  const tunnel = { name: 'Tunnel', jump_host: 'j', ssh_username: 'u', ssh_private_key: '{{ ssh_key }}' }
  expect(problems(await create(tunnel))).toEqual([{ field: 'ssh_private_key', message: UNFILLED }])
  const allowed = await create(tunnel, ['--allow-placeholder'])
  expect((await stored(json(allowed).id))?.ssh_private_key).toBe('{{ ssh_key }}')
})

function without(keys: readonly string[]) {
  return Object.fromEntries(keys.map(key => [key, undefined]))
}
