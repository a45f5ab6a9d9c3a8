import { expect, test } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { completeCredentials } from '../../../src/source-types/complete-credentials.ts'
import { getSourceType, sourceTypes } from '../../../src/source-types/index.ts'
import { redactCredentials } from '../../../src/source-types/redact.ts'
import { fullFields, invented, MARKERS, SAMPLES } from './samples.ts'

const postgres = getSourceType('postgres')

function sealed(values: Record<string, unknown>): Record<string, Secret> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)]))
}

test('output uses output names, hides secrets and omits unset fields', () => {
  const values = {
    host: 'db.example.com',
    username: 'u',
    password: 'p',
    default_database: 'd',
    default_schema: 'public',
  }
  expect(redactCredentials(postgres, completeCredentials(postgres, sealed(values)))).toEqual({
    host: 'db.example.com',
    port: 5432,
    username: 'u',
    password: '[REDACTED]',
    database: 'd',
    schemas: ['public'],
  })
})

test.each([...sourceTypes, invented])('no secret of $name is shown, under any of its names', type => {
  const all = Object.entries(type.fields).flatMap(([name, field]) => {
    const names = [name, ...(field.aliases ?? [])]
    return names.map(key => ({ ...fullFields(type), [name]: undefined, [key]: SAMPLES[field.kind] }))
  })
  for (const values of all) {
    const shown = redactCredentials(type, sealed({ ...values, unknown: MARKERS, type: MARKERS[0] }))
    for (const marker of MARKERS) expect(JSON.stringify(shown)).not.toContain(marker)
    expect(shown).not.toHaveProperty('unknown')
    expect(shown).not.toHaveProperty('type')
  }
})

test('every set secret is shown as redacted', () => {
  for (const type of sourceTypes) {
    for (const [name, field] of Object.entries(type.fields)) {
      if (field.secret)
        expect(redactCredentials(type, sealed({ [name]: SAMPLES[field.kind] }))).toEqual({ [name]: '[REDACTED]' })
    }
  }
})

test('stored credentials are normalized, and unknown keys stay hidden', () => {
  const stored = sealed({ database: 'd', schemas: ['s'], dsn: 'postgres://u:MARKER@h', api_key: 'MARKER' })
  expect(redactCredentials(postgres, stored)).toEqual({ database: 'd', schemas: ['s'] })
})

test('a secret inside a plain field is hidden', () => {
  const stored = sealed({
    host: 'postgres://user:MAR@KER@db.example.com',
    username: { password: 'MARKER' },
    port: ['MARKER'],
    ssl_ca: '-----BEGIN PRIVATE KEY-----\nMARKER',
  })
  expect(redactCredentials(postgres, stored)).toEqual({
    host: 'postgres://[REDACTED]@db.example.com',
    username: '[REDACTED]',
    port: '[REDACTED]',
    ssl_ca: '[REDACTED]',
  })
})

test('a field without a declaration of secrecy is secret', () => {
  const { secret: _, ...undeclared } = { label: 'X', kind: 'text', secret: false, required: true } as const
  const careless = { ...invented, fields: { x: undeclared as typeof undeclared & { secret: boolean } } }
  expect(redactCredentials(careless, sealed({ x: 'MARKER' }))).toEqual({ x: '[REDACTED]' })
})
