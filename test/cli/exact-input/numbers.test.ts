import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { serviceAccount } from '../../unit/source-types/samples.ts'

const NUMBERS = '{"client_id": 103456789012345678901, "b": 7, "c": true}'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const keyText = `${JSON.stringify(serviceAccount).slice(0, -1)}, ${NUMBERS.slice(1)}`
const bigquery = (key: string) =>
  `{"name": "Big", "env": "dev", "type": "bigquery", "default_dataset": "d", "service_account_key": ${key}}`

describe('A number that Vault would change is refused by its name:', () => {
  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['of a key in a file', bigquery('{"from": "@key.json"}'), { 'key.json': keyText }],
    ['of a key as JSON text', bigquery(JSON.stringify(keyText)), {}],
    ['of a key as an object', bigquery(keyText), {}],
    ['of a key in YAML', `---\n${bigquery(keyText)}`, {}],
  ])('%s', async (_, request, files) => {
    const cwd = folderWith({ ...files, 'request.yaml': request, 'request.json': request })
    const file = request.startsWith('---') ? 'request.yaml' : 'request.json'
    const error = jsonError(await site.dsctl(['create', '-f', file, '-o', 'json'], { cwd }))
    const message = 'its client_id is a number that Vault would change: quote it'
    expect(error.fields).toEqual([{ field: 'service_account_key', message }])
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
