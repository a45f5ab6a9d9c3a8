import { describe, expect, test } from 'vitest'
import { Secret, SecretSource } from '../../../src/domain/secret.ts'
import { getSourceType, sourceTypes } from '../../../src/source-types/index.ts'
import { type GivenFields, parseFields, parseSecret } from '../../../src/source-types/parse-fields.ts'
import type { SourceType } from '../../../src/source-types/source-type.ts'
import { fullFields, invented, MARKERS, openSshKey, serviceAccount } from './samples.ts'

const postgres = getSourceType('postgres')
const bigquery = getSourceType('bigquery')

function plain(given: GivenFields): Record<string, unknown> {
  const entries = Object.entries(given)
  return Object.fromEntries(entries.map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]))
}

function problems(type: SourceType, raw: Record<string, unknown>): Record<string, string> {
  const read = parseFields(type, raw, 'create')
  return Object.fromEntries(read.problems.map(({ field, message }) => [field, message]))
}

test.each([...sourceTypes, invented])('all fields of $name are parsed and sealed', type => {
  const full = fullFields(type)
  const { given, problems } = parseFields(type, full, 'create')
  expect(problems).toEqual([])
  expect(plain(given)).toEqual(full)
  for (const value of Object.values(given)) expect(value).toBeInstanceOf(Secret)
})

test('digits and words become numbers and booleans', () => {
  const { given } = parseFields(getSourceType('sqlserver'), { port: '1434', encrypt: 'false' }, 'create')
  expect(plain(given)).toEqual({ port: 1434, encrypt: false })
})

describe('unknown keys', () => {
  test('each is a problem with a suggestion, and fields are listed once', () => {
    const found = problems(postgres, { hsot: 'x', banana: 1, databse: 'x', nmae: 'x' })
    expect(found.hsot).toMatch(/^is not a field of postgres; did you mean "host"\? \(the fields are host, port, .*\)$/)
    expect(found.banana).toBe('is not a field of postgres')
    expect(found.databse).toBe('is not a field of postgres; did you mean "database"?')
    expect(found.nmae).toBe('is not a field of postgres; did you mean "name"?')
  })

  test('names of built-in properties are unknown too', () => {
    const raw: Record<string, unknown> = JSON.parse('{"__proto__": "x", "constructor": "x", "toString": "x"}')
    expect(parseFields(postgres, raw, 'create').problems).toHaveLength(3)
  })

  test('fields of another type are unknown', () => {
    expect(problems(postgres, { warehouse_id: 'w' }).warehouse_id).toContain('is not a field of postgres')
    expect(problems(postgres, { server: 'h' }).server).toContain('is not a field of postgres')
  })
})

describe('aliases', () => {
  test.each([
    ['postgres', { database: 'd' }, { default_database: 'd' }],
    ['postgres', { schema: 's' }, { default_schema: 's' }],
    ['postgres', { schemas: ['s'] }, { default_schema: 's' }],
    ['sqlserver', { server: 'h' }, { host: 'h' }],
    ['bigquery', { credentials_json: serviceAccount }, { service_account_key: serviceAccount }],
    ['bigquery', { service_role_key: JSON.stringify(serviceAccount) }, { service_account_key: serviceAccount }],
    ['bigquery', { default_project_id: 'p', default_dataset_id: 'd' }, { project_id: 'p', default_dataset: 'd' }],
    ['snowflake', { private_key_pem: openSshKey }, { private_key: openSshKey }],
  ])('%s accepts them', (type, raw, expected) => {
    const read = parseFields(getSourceType(type), raw, 'create')
    expect(read.problems).toEqual([])
    expect(plain(read.given)).toEqual(expected)
  })

  test('an alias and its field may both be given with equal values', () => {
    const read = parseFields(postgres, { default_schema: 's', schema: 's', schemas: ['s'] }, 'create')
    expect(read.problems).toEqual([])
    expect(plain(read.given)).toEqual({ default_schema: 's' })
    const sources = { service_account_key: { from: '@k' }, credentials_json: { from: '@k' } }
    expect(problems(bigquery, sources)).toEqual({})
  })

  test('different values are a problem that names both without quoting them', () => {
    expect(problems(postgres, { default_database: 'a', database: 'b' })).toEqual({
      database: 'differs from default_database, another name of the same field: omit one',
    })
    expect(problems(bigquery, { service_account_key: serviceAccount, credentials_json: { from: '@k' } })).toEqual({
      credentials_json: 'differs from service_account_key, another name of the same field: omit one',
    })
  })

  test.each([[[]], [['a', 'b']], ['a'], [{}]])('schemas as %j is rejected', schemas => {
    expect(problems(postgres, { schemas })).toEqual({ schemas: 'must be a list with one item' })
  })
})

describe('secrets', () => {
  test('a source stays unresolved, and its origin is the file', () => {
    const { given } = parseFields(postgres, { password: { from: 'env:DSCTL_SECRET_A' } }, 'create')
    expect(given.password).toEqual(new SecretSource('env:DSCTL_SECRET_A', 'file'))
  })

  test('sealed values are validated', () => {
    const source = new SecretSource('@pw', 'flag')
    const { given } = parseFields(postgres, { password: source, username: new Secret('u') }, 'create')
    expect(given.password).toEqual(source)
    expect(given.username).toEqual(new Secret('u'))
    expect(problems(postgres, { password: new Secret('MARKER\n') }).password).toBe('must be one line, without NUL')
    expect(problems(postgres, { password: new SecretSource('MARKER', 'flag') }).password).toMatch(/^must be -, @FILE/)
  })

  test.each([{ from: 'MARKER' }, { from: 12 }, { from: null }])('%j is not a source', password => {
    const found = problems(postgres, { password }).password
    expect(found).toMatch(/^must be a string, or \{from: SOURCE\} where SOURCE is -, @FILE/)
    expect(found).not.toContain('MARKER')
  })

  test('an object with from and other keys is not a source', () => {
    expect(problems(postgres, { password: { from: '-', to: 'x' } }).password).toMatch(/with no other key$/)
  })

  test('a plain field rejects a source', () => {
    const expected = 'must be the value itself: only secrets can be read from a source such as env:NAME'
    expect(problems(postgres, { host: { from: '-' }, username: new SecretSource('-', 'flag') })).toEqual({
      host: expected,
      username: expected,
    })
  })

  test('a mask is rejected in a create and kept in an update', () => {
    expect(problems(postgres, { password: '[REDACTED]' }).password).toBe('is a mask: enter the secret itself')
    const { given, problems: none } = parseFields(postgres, { password: '[REDACTED]' }, 'update')
    expect(none).toEqual([])
    expect(plain(given)).toEqual({ password: '[REDACTED]' })
    expect(parseFields(bigquery, { service_account_key: '****' }, 'update').problems).toEqual([])
    expect(parseFields(postgres, { host: '[REDACTED]' }, 'update').problems).toHaveLength(1)
  })

  test('a fetched secret is validated like a literal one', () => {
    const read = parseSecret(bigquery, 'service_account_key', JSON.stringify(serviceAccount))
    expect('value' in read && read.value.reveal()).toEqual(serviceAccount)
    expect(parseSecret(postgres, 'password', 'a\nb')).toEqual({
      problem: { field: 'password', message: 'must be one line, without NUL' },
    })
    expect(parseSecret(postgres, 'password', '****')).toHaveProperty('problem')
    expect(parseSecret(postgres, 'banana', 'x')).toHaveProperty('problem')
  })

  test('no message contains a value', () => {
    for (const type of sourceTypes) {
      for (const name of Object.keys(type.fields).filter(name => type.fields[name]?.secret)) {
        for (const raw of wrongValues()) {
          const found = JSON.stringify(parseFields(type, { [name]: raw }, 'create').problems)
          for (const marker of MARKERS) expect(found).not.toContain(marker)
        }
      }
    }
  })
})

test('undefined means not given; null and empty values are problems', () => {
  expect(parseFields(postgres, { host: undefined }, 'create')).toEqual({ given: {}, problems: [] })
  expect(problems(postgres, { host: null, username: 12, password: true, default_database: ['d'] })).toEqual({
    host: 'must not be null: omit it instead',
    username: 'must be a string: quote it',
    password: 'must be a string: quote it',
    default_database: 'must be a string, not a list',
  })
})

function wrongValues(): unknown[] {
  const texts = MARKERS.flatMap(marker => [`${marker}\n`, `${marker}\0`, marker.repeat(10_000), `{"a": ${marker}`])
  const objects = MARKERS.flatMap(marker => [[marker], { from: marker }, { from: '-', [marker]: 1 }])
  return [...texts, ...objects, ...MARKERS.map(marker => ({ ...serviceAccount, private_key: marker, type: marker }))]
}
