import { expect, test } from 'vitest'
import { describeType } from '../../../src/source-types/describe.ts'
import { getSourceType, sourceTypes } from '../../../src/source-types/index.ts'

function row(type: string, field: string) {
  return describeType(getSourceType(type)).find(row => row.field === field)
}

test('a type is described field by field, in order', () => {
  for (const type of sourceTypes) expect(describeType(type).map(({ field }) => field)).toEqual(Object.keys(type.fields))
  expect(row('postgres', 'port')).toEqual({
    field: 'port',
    label: 'Port',
    required: 'no',
    secret: false,
    default: 5432,
    limits: '1 to 65535',
    aliases: [],
  })
  expect(row('postgres', 'default_schema')).toMatchObject({ required: 'no', aliases: ['schema', 'schemas'] })
})

test('rules appear in the required column', () => {
  expect(row('postgres', 'host')?.required).toBe('yes')
  expect(row('snowflake', 'password')?.required).toBe('yes, or private_key')
  expect(row('snowflake', 'private_key_passphrase')?.required).toBe('no, only with private_key')
  expect(row('postgres', 'jump_host')?.required).toBe('with ssh_username or ssh_private_key')
  expect(row('bigquery', 'project_id')).toMatchObject({ required: 'no', default: 'from service_account_key' })
})
