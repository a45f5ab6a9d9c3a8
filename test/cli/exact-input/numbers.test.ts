import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { serviceAccount } from '../../unit/source-types/samples.ts'

// JSON.parse changes numbers. Each test compares the text of what is stored, not its value.

const NUMBERS = '{"client_id": 103456789012345678901, "a": [1.0, -0, 1e400, 0.1000000000000000055], "b": 7, "c": true}'
const STORED = '"client_id":103456789012345678901,"a":[1.0,-0,1e400,0.1000000000000000055],"b":7,"c":true'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

/** The JSON text of a secret, as Vault returns it. */
async function storedText(id: string): Promise<string> {
  const { VAULT_ADDR, VAULT_TOKEN = '' } = site.env
  const url = `${VAULT_ADDR}/v1/${site.vault.mount}/data/data-sources/${id}`
  return (await fetch(url, { headers: { 'X-Vault-Token': VAULT_TOKEN } })).text()
}

const keyText = `${JSON.stringify(serviceAccount).slice(0, -1)}, ${NUMBERS.slice(1)}`
const bigquery = (key: string) =>
  `{"name": "Big", "env": "dev", "type": "bigquery", "default_dataset": "d", "service_account_key": ${key}}`

describe('Each digit of a number is kept:', () => {
  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['of a key in a file', bigquery('{"from": "@key.json"}'), { 'key.json': keyText }],
    ['of a key as JSON text', bigquery(JSON.stringify(keyText)), {}],
    ['of a key as an object', bigquery(keyText), {}],
    ['of a key in YAML', bigquery(keyText.replaceAll('"', '"')).replace('{', '---\n{'), {}],
  ])('%s', async (_, request, files) => {
    const cwd = folderWith({ ...files, 'request.yaml': request, 'request.json': request })
    const file = request.startsWith('---') ? 'request.yaml' : 'request.json'
    const { id } = json(await site.dsctl(['create', '-f', file, '-o', 'json'], { cwd }))
    expect(await storedText(id)).toContain(STORED)
    expect(await site.dsctl(['diff', '-f', file], { cwd })).toMatchObject({ code: 0 })
    expect(await site.dsctl(['update', id, '--location', 'EU'])).toMatchObject({ code: 0 })
    expect(await storedText(id)).toContain(STORED)
    expect(await site.dsctl(['delete', id, '--yes'])).toMatchObject({ code: 0 })
  })

  test('of what another program stored, in an update and its roll-back', async () => {
    const stdin = JSON.stringify({ name: 'Other', env: 'dev', type: 'postgres', ...plainFields })
    const { id } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const { VAULT_ADDR, VAULT_TOKEN = '' } = site.env
    await fetch(`${VAULT_ADDR}/v1/${site.vault.mount}/data/data-sources/${id}`, {
      method: 'POST',
      headers: { 'X-Vault-Token': VAULT_TOKEN },
      body: `{"data": {"type": "postgres", "host": "h", "port": 5432.0, "username": "u", "password": "x",
        "default_database": "d", "max_connections": 103456789012345678901, "extra": ${NUMBERS}}}`,
    })
    expect(json(await site.dsctl(['get', id, '-o', 'json'])).credentials).toMatchObject({
      port: 5432,
      max_connections: '103456789012345678901',
    })
    expect(await site.dsctl(['update', id, '--host', 'h2'])).toMatchObject({ code: 0, stderr: 'Changed: host.\n' })
    const text = await storedText(id)
    for (const part of ['"host":"h2"', '"port":5432.0', '"max_connections":103456789012345678901', STORED.slice(0, 40)])
      expect(text).toContain(part)
  })

  test('of a field in Vault that a secret is read from', async () => {
    const { VAULT_ADDR, VAULT_TOKEN = '' } = site.env
    await fetch(`${VAULT_ADDR}/v1/${site.vault.mount}/data/data-sources/pin`, {
      method: 'POST',
      headers: { 'X-Vault-Token': VAULT_TOKEN },
      body: '{"data": {"pin": 103456789012345678901}}',
    })
    const flags = ['--host', 'h', '--username', 'u', '--default-database', 'd']
    const source = `vault:${site.vault.mount}/data-sources/pin#pin`
    const args = ['create', 'Pin', '--env', 'dev', '--type', 'postgres', ...flags, '--password', source, '-o', 'json']
    expect(await storedText(json(await site.dsctl(args)).id)).toContain('"password":"103456789012345678901"')
  })
})

describe('A number that YAML would change is refused by its name:', () => {
  test.each(['0777', '0x1F', '0o17', '+5', '.5', '.inf', '.nan'])('%s inside a key', async number => {
    const text = `${bigquery(keyText).replace(/}}$/, `, pin: ${number}}}`)}`
    const result = await site.dsctl(['apply', '-f', '-'], { stdin: `---\n${text}` })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain('has a number in pin (line 2) that programs read differently')
  })

  test.each(['01433', '0x599', '+1433'])('%s as a port', async port => {
    const fields = Object.entries({ ...plainFields, port }).map(([key, value]) => `${key}: ${value}\n`)
    const stdin = `name: Never\nenv: dev\ntype: postgres\n${fields.join('')}`
    const error = jsonError(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const message = 'must be a whole number from 1 to 65535, in decimal and without leading zeros'
    expect(error.fields).toEqual([{ field: 'port', message }])
  })

  test.each(['1_000', '12:30:45', '2024-01-01', 'no', '0123', '1e3', 'true', '~'])(
    '%s as a user is text or refused',
    async user => {
      const stdin = `name: ${JSON.stringify(user)}\nenv: dev\ntype: postgres\nhost: h\nusername: ${user}\npassword: x\ndefault_database: d\n`
      const created = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
      if (created.code === 0) expect(json(created).credentials.username).toBe(user)
      else
        expect(jsonError(created).fields).toEqual([
          { field: 'username', message: expect.stringMatching(/quote it|null/) },
        ])
    },
  )
})

test.each([
  [
    'JSON',
    '{"name": "a", "name": "b"}',
    'has a duplicate key in an object (line 1).\n  name: appears twice in one object\n',
  ],
  ['YAML', 'name: a\nname: b\n', 'is not valid YAML (line 2): a duplicate key, name'],
])('A duplicate key in %s is refused by its name', async (_, stdin, says) => {
  const result = await site.dsctl(['apply', '-f', '-'], { stdin })
  expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says) })
})

test('A duplicate key in a service account key is refused by its name', async () => {
  const stdin = bigquery(JSON.stringify(keyText.replace('"b"', '"client_id"')))
  const error = jsonError(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
  const message = 'has a duplicate key in an object: client_id'
  expect(error.fields).toEqual([{ field: 'service_account_key', message }])
})
