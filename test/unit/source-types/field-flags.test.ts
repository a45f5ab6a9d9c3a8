import { expect, test } from 'vitest'
import { fieldFlags } from '../../../src/source-types/field-flags.ts'
import { getSourceType, sourceTypes } from '../../../src/source-types/index.ts'
import { invented } from './samples.ts'

const flags = fieldFlags(sourceTypes)

test('every field of every type has exactly one flag', () => {
  expect(new Set(flags.map(({ flag }) => flag)).size).toBe(flags.length)
  for (const type of sourceTypes) {
    for (const [name, field] of Object.entries(type.fields)) {
      const flag = flags.find(({ field }) => field === name)
      expect(flag?.types).toContain(type.name)
      expect(flag?.secret).toBe(field.secret)
      expect(flag?.kind).toBe(field.kind)
    }
  }
})

test('aliases have no flags', () => {
  expect(flags.map(({ flag }) => flag)).not.toContain('--database')
  expect(flags.map(({ flag }) => flag)).not.toContain('--schemas')
})

test('a flag has a placeholder for its value', () => {
  const byName = new Map(flags.map(flag => [flag.flag, flag]))
  expect(byName.get('--default-database')).toMatchObject({ field: 'default_database', valueName: 'TEXT' })
  expect(byName.get('--password')).toMatchObject({ secret: true, valueName: 'SOURCE' })
  expect(byName.get('--encrypt')).toMatchObject({ valueName: 'true|false', types: ['sqlserver'] })
  expect(byName.get('--port')).toMatchObject({ valueName: 'N' })
  expect(byName.get('--ssl-mode')).toMatchObject({ valueName: 'disable|prefer|require|verify-ca|verify-full' })
})

test('a field that is secret in one type is secret in all', () => {
  const service = { label: 'Service', kind: 'password', secret: true, required: true } as const
  const other = { ...invented, name: 'other', fields: { service } }
  for (const types of [
    [invented, other],
    [other, invented],
  ]) {
    expect(fieldFlags(types).find(({ field }) => field === 'service')).toMatchObject({
      secret: true,
      valueName: 'SOURCE',
      types: types.map(({ name }) => name),
    })
  }
})

test('one type has only its own flags, in its order', () => {
  const own = fieldFlags([getSourceType('databricks')]).map(({ flag }) => flag)
  expect(own).toEqual(['--host', '--api-key', '--warehouse-id', '--default-catalog', '--default-schema'])
})
