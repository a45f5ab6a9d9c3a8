import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { getSourceType, sourceTypes } from '../../../src/source-types/index.ts'
import { requestSchema } from '../../../src/source-types/request-schema.ts'
import type { SourceType } from '../../../src/source-types/source-type.ts'
import { fullFields, invented, leastFields, openSshKey, serviceAccount } from './samples.ts'

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true })

function accepts(type: SourceType, fields: Record<string, unknown>): boolean {
  const valid = ajv.validate(requestSchema(type), { name: 'n', env: 'dev', type: type.name, ...fields })
  return valid
}

describe.each([...sourceTypes, invented])('the schema of $name', type => {
  const least = leastFields(type)

  test('accepts a request with only the required fields, and with all', () => {
    expect(accepts(type, least)).toBe(true)
    expect(accepts(type, fullFields(type))).toBe(true)
  })

  test('accepts a source for each secret', () => {
    const fields = Object.entries(fullFields(type))
    const sources = fields.map(([name, value]) => [name, type.fields[name]?.secret ? { from: 'env:A' } : value])
    expect(accepts(type, Object.fromEntries(sources))).toBe(true)
    const wrong = sources.map(([name, value]) => [name, typeof value === 'object' ? { from: 'A' } : value])
    expect(accepts(type, Object.fromEntries(wrong))).toBe(false)
  })

  test('rejects a missing field, an unknown key and another type', () => {
    for (const name of Object.keys(least)) expect(accepts(type, { ...least, [name]: undefined })).toBe(false)
    expect(accepts(type, { ...least, banana: 1 })).toBe(false)
    expect(accepts(type, { ...least, type: 'banana' })).toBe(false)
    expect(accepts(type, { ...least, name: ' ' })).toBe(false)
    expect(accepts(type, { ...least, env: 'a b' })).toBe(false)
  })
})

const postgres = getSourceType('postgres')
const snowflake = getSourceType('snowflake')
const bigquery = getSourceType('bigquery')
const { default_database, ...rest } = leastFields(postgres)

test('with a template fields may be omitted but not invalid', () => {
  const request = { name: 'n', env: 'dev', template: 't' }
  const valid = (more: object) => ajv.validate(requestSchema(postgres), { ...request, ...more })
  expect([valid({}), valid({ type: 'postgres', host: 'h' })]).toEqual([true, true])
  expect([valid({ type: 'mysql' }), valid({ port: 70000 }), valid({ template: '' })]).toEqual([false, false, false])
})

test('aliases are accepted', () => {
  expect(accepts(postgres, { ...rest, database: default_database, schemas: ['s'] })).toBe(true)
  expect(accepts(postgres, { ...rest, database: default_database, schemas: ['s', 't'] })).toBe(false)
  expect(accepts(postgres, rest)).toBe(false)
  const credentials_json = JSON.stringify(serviceAccount)
  expect(accepts(bigquery, { credentials_json, default_dataset_id: 'd' })).toBe(true)
})

test.each([
  ['port', 5432, true],
  ['port', '5432', true],
  ['port', '5e3', false],
  ['port', 70000, false],
  ['port', 1.5, false],
  ['username', 12, false],
  ['username', 'a\nb', false],
  ['username', 'x'.repeat(1025), false],
  ['password', 'a\nb', false],
  ['password', ' p ', true],
  ['password', 12, false],
  ['host', 'https://h/', false],
  ['ssl_mode', 'banana', false],
  ['ssl_ca', 'banana', false],
  ['ssh_port', 22, false],
  ['jump_host', 'j', false],
  ['max_connections', 0, false],
])('limits are enforced (%#)', (name, value, expected) => {
  expect(accepts(postgres, { ...leastFields(postgres), [name]: value })).toBe(expected)
})

test('rules are enforced', () => {
  const { password: _, ...least } = leastFields(snowflake)
  expect(accepts(snowflake, { ...least, private_key: openSshKey, private_key_passphrase: 'p' })).toBe(true)
  expect(accepts(snowflake, { ...least, private_key_pem: openSshKey })).toBe(true)
  expect(accepts(snowflake, { ...least, private_key_pem: openSshKey, password: 'p' })).toBe(false)
  expect(accepts(snowflake, { ...least, password: 'p', private_key_passphrase: 'p' })).toBe(false)
  const tunnel = { jump_host: 'j', ssh_username: 'u', ssh_private_key: openSshKey, ssh_port: 22 }
  expect(accepts(postgres, { ...leastFields(postgres), ...tunnel })).toBe(true)
})
