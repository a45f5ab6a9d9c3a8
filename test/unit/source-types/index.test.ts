import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { DsctlError } from '../../../src/domain/errors.ts'
import { findSourceType, getSourceType, sourceTypes } from '../../../src/source-types/index.ts'
import type { SourceType } from '../../../src/source-types/source-type.ts'

const folder = new URL('../../../src/source-types/', import.meta.url)
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

/** All modules and packages that a module loads, including itself. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  if (!file.startsWith('./')) return seen
  const text = readFileSync(new URL(file, folder), 'utf8')
  for (const [, from = ''] of text.matchAll(/^(?:import|export) (?!type )[^']*'([^']+)'$/gm)) {
    loadedBy(from.startsWith('.') ? `./${posix.join(posix.dirname(file), from)}` : from, seen)
  }
  return seen
}

test('the nine types are known', () => {
  expect(sourceTypes.map(type => type.name).sort()).toEqual([
    'bigquery',
    'databricks',
    'mariadb',
    'mysql',
    'postgres',
    'redshift',
    'snowflake',
    'sqlserver',
    'supabase',
  ])
  for (const type of sourceTypes) expect(getSourceType(type.name)).toBe(type)
  expect(findSourceType('oracle')).toBeUndefined()
  expect(findSourceType('constructor')).toBeUndefined()
})

test('an unknown type is rejected with all types and a suggestion', () => {
  const error = (() => {
    try {
      return getSourceType('postgrse')
    } catch (caught) {
      return caught
    }
  })()
  expect(error).toBeInstanceOf(DsctlError)
  if (!(error instanceof DsctlError)) return
  expect(error.code).toBe('invalid')
  const [problem] = error.details.fields ?? []
  expect(problem?.message).toContain('did you mean "postgres"?')
  for (const type of sourceTypes) expect(problem?.message).toContain(type.name)
  expect(() => getSourceType('banana')).toThrow('There is no type "banana".')
})

test('a type is declared in its own file and named in no other', () => {
  for (const { name } of sourceTypes) {
    const declaration = `types/${name}.ts`
    expect(files).toContain(declaration)
    for (const file of files.filter(file => file !== 'index.ts' && file !== declaration)) {
      expect(readFileSync(new URL(file, folder), 'utf8')).not.toContain(`'${name}'`)
    }
  }
})

test('a declaration contains only data', () => {
  for (const type of sourceTypes) expect(JSON.parse(JSON.stringify(type))).toEqual(type)
})

test('every field declares its secrecy, and secret kinds are secret', () => {
  const secretKinds = ['password', 'token', 'private-key', 'service-account-key']
  for (const type of sourceTypes) {
    for (const field of Object.values(type.fields)) {
      expect(field.secret).toBe(secretKinds.includes(field.kind))
      expect(field.description, field.label).toMatch(/\.$/)
    }
  }
})

test('names, aliases and rules of a type are consistent', () => {
  for (const type of sourceTypes) {
    const fields = Object.entries(type.fields)
    const names = fields.flatMap(([name, field]) => [name, ...(field.aliases ?? []), ...(field.listAliases ?? [])])
    expect(new Set(names).size).toBe(names.length)
    for (const name of ['name', 'env', 'type', 'from']) expect(names).not.toContain(name)
    for (const name of ruled(type)) expect(Object.keys(type.fields)).toContain(name)
  }
})

test.each([
  './index.ts',
  './redact.ts',
  './field-flags.ts',
  './describe.ts',
  './check-rules.ts',
  './complete-credentials.ts',
  './merge-update.ts',
  './check-name.ts',
])('%s does not load the validator', file => expect([...loadedBy(file)]).not.toContain('zod/mini'))

test('parse-fields loads the validator', () => expect([...loadedBy('./parse-fields.ts')]).toContain('zod/mini'))

function ruled(type: SourceType): string[] {
  return type.rules.flatMap(rule => {
    if ('fields' in rule) return [...rule.fields]
    return [rule.field, rule.kind === 'needs' ? rule.needs : rule.from]
  })
}
