import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { ONBOARDING_STATUSES } from '../../../src/domain/data-source.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { completeCredentials } from '../../../src/source-types/complete-credentials.ts'
import { sourceTypes } from '../../../src/source-types/index.ts'
import { outputSchema } from '../../../src/source-types/output-schema.ts'
import { redactCredentials } from '../../../src/source-types/redact.ts'
import { fullFields } from './samples.ts'

const schema = outputSchema(sourceTypes, ONBOARDING_STATUSES)
const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, validateFormats: false })

function answer(type: string, credentials: unknown) {
  return {
    id: '123e4567-e89b-42d3-a456-426614174000',
    name: 'Production',
    db_type: type,
    created_at: '2025-03-24T00:00:00Z',
    updated_at: '2025-03-24T00:00:00Z',
    created_by: null,
    credentials,
    data_sets: [],
    env: 'production',
    onboarding_status: 'notStarted',
    onboarding_error: null,
  }
}

test.each([...sourceTypes])('output for $name matches its schema', type => {
  const fields = Object.entries(fullFields(type)).map(([name, value]) => [name, new Secret(value)])
  const shown = redactCredentials(type, completeCredentials(type, Object.fromEntries(fields)))
  expect(ajv.validate(schema, answer(type.name, shown)), ajv.errorsText()).toBe(true)
  expect(ajv.validate(schema, answer(type.name, null))).toBe(true)
})

test('output with a secret does not match', () => {
  expect(ajv.validate(schema, answer('postgres', { password: 'hunter2' }))).toBe(false)
})

test('output of an unknown type or without a key does not match', () => {
  expect(ajv.validate(schema, answer('banana', {}))).toBe(false)
  const { env: _, ...rest } = answer('postgres', {})
  expect(ajv.validate(schema, rest)).toBe(false)
})
