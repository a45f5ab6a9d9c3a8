import { expect, test } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { getSourceType } from '../../../src/source-types/index.ts'
import { normalizeCredentials } from '../../../src/source-types/normalize.ts'

const postgres = getSourceType('postgres')

function stored(values: Record<string, unknown>): Record<string, unknown> {
  const sealed = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)]))
  const entries = Object.entries(normalizeCredentials(postgres, sealed))
  return Object.fromEntries(entries.map(([name, secret]) => [name, secret.reveal()]))
}

test('aliases become field names, and unknown keys are unchanged', () => {
  const found = stored({ extra: { a: null }, schemas: ['s'], database: 'd', host: 'h' })
  expect(found).toEqual({ type: 'postgres', host: 'h', default_database: 'd', default_schema: 's', extra: { a: null } })
  expect(Object.keys(found)).toEqual(['type', 'host', 'default_database', 'default_schema', 'extra'])
})

test("a field's own name takes precedence over its aliases", () => {
  expect(stored({ database: 'old', default_database: 'new', schema: 'a', schemas: ['b'] })).toEqual({
    type: 'postgres',
    default_database: 'new',
    default_schema: 'a',
  })
})

test('null and empty fields are dropped, and an alias is used instead', () => {
  expect(stored({ jump_host: null, ssh_port: '', default_database: null, database: 'd', extra: null })).toEqual({
    type: 'postgres',
    default_database: 'd',
    extra: null,
  })
})

test('a list of several schemas is unchanged', () => {
  expect(stored({ schemas: ['a', 'b'] })).toEqual({ type: 'postgres', schemas: ['a', 'b'] })
  expect(stored({ schemas: [] })).toEqual({ type: 'postgres' })
  expect(stored({ schemas: ['a', 'b'], default_schema: 'c' })).toEqual({ type: 'postgres', default_schema: 'c' })
})

test('a key named __proto__ is kept as a key', () => {
  const odd: Record<string, unknown> = JSON.parse('{"__proto__": 1}')
  expect(Object.keys(stored(odd))).toEqual(['type', '__proto__'])
})
