import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { getSourceType } from '../../../src/source-types/index.ts'
import { mergeUpdate } from '../../../src/source-types/merge-update.ts'
import type { SourceType } from '../../../src/source-types/source-type.ts'
import { leastFields, openSshKey, serviceAccount } from './samples.ts'

const postgres = getSourceType('postgres')
const snowflake = getSourceType('snowflake')
const bigquery = getSourceType('bigquery')

const base = { type: 'postgres', ...leastFields(postgres), port: 5432 }
const tunnel = { jump_host: 'j', ssh_username: 'u', ssh_private_key: openSshKey, ssh_port: 2222 }

function update(
  type: SourceType,
  stored: Record<string, unknown> | null,
  given: Record<string, unknown>,
  unset: string[] = [],
) {
  const { merged, ...rest } = mergeUpdate(type, stored && sealed(stored), { given: sealed(given), unset })
  const entries = Object.entries(merged).map(([name, secret]) => [name, secret.reveal()] as const)
  return { merged: Object.fromEntries(entries), ...rest }
}

function sealed(values: Record<string, unknown>): Record<string, Secret> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)]))
}

test('given fields replace stored ones, and the others stay', () => {
  const result = update(postgres, base, { host: 'new', username: base['username' as keyof typeof base] })
  expect(result).toEqual({ merged: { ...base, host: 'new' }, changed: ['host'], problems: [] })
})

test('no fields, or only the stored values, change nothing', () => {
  expect(update(postgres, base, {}).changed).toEqual([])
  expect(update(postgres, base, leastFields(postgres)).changed).toEqual([])
  const key = { service_account_key: { ...serviceAccount } }
  const stored = { type: 'bigquery', ...leastFields(bigquery), project_id: 'key-project' }
  expect(update(bigquery, stored, key).changed).toEqual([])
})

describe('a mask', () => {
  test('keeps the stored secret', () => {
    expect(update(postgres, base, { password: '[REDACTED]' })).toEqual({ merged: base, changed: [], problems: [] })
  })

  test('is the only problem of its field if no secret is stored', () => {
    const message = 'is a mask, but no secret is stored: enter the secret itself'
    expect(update(snowflake, { ...leastFields(snowflake) }, { private_key: '****' }).problems).toEqual([
      { field: 'private_key', message },
    ])
    const result = update(postgres, null, { ...leastFields(postgres), password: '[REDACTED]' })
    expect(result.problems).toEqual([{ field: 'password', message }])
  })
})

describe('a secret written by another program', () => {
  const { default_database, ...withoutDatabase } = base as Record<string, unknown>

  test('keeps its unknown keys, its names and what is empty', () => {
    const stored = { ...withoutDatabase, database: default_database, sslmode: 'x', extra: { a: 1 }, ssl_ca: null }
    const result = update(postgres, stored, { host: 'new' })
    expect(result).toEqual({ merged: { ...stored, host: 'new' }, changed: ['host'], problems: [] })
  })

  test('gets a changed field under the name and in the form that is stored', () => {
    const stored = { ...withoutDatabase, database: 'd', schemas: ['a'], port: '5432' }
    expect(update(postgres, stored, { default_database: 'e', default_schema: 'b', port: 5433 }).merged).toEqual({
      ...{ ...stored, database: 'e', schemas: ['b'], port: '5433' },
    })
    expect(update(postgres, { ...base, schemas: 'a' }, { default_schema: 'b' }).merged).toEqual({
      ...{ ...base, schemas: 'b' },
    })
    const text = { type: 'bigquery', default_dataset_id: 'd', credentials_json: JSON.stringify(serviceAccount) }
    const service_account_key = { ...serviceAccount, client_email: 'new' }
    expect(update(bigquery, text, { service_account_key }).merged).toEqual({
      ...text,
      credentials_json: JSON.stringify(service_account_key),
      project_id: serviceAccount.project_id,
    })
  })

  test('gets a changed field under each of its names that has a value', () => {
    const both = { ...base, database: 'other', schema: null, schemas: ['s'] }
    expect(update(postgres, both, { default_database: 'e', default_schema: 't' }).merged).toEqual({
      ...{ ...both, default_database: 'e', database: 'e', schemas: ['t'] },
    })
    expect(update(postgres, { ...base, schema: '' }, { default_schema: 't' }).merged).toEqual({ ...base, schema: 't' })
    expect(update(postgres, both, {}, ['default_schema']).merged).toEqual({ ...base, database: 'other' })
  })

  test('is not changed by the same value in another form', () => {
    const stored = { ...base, port: '5432' }
    expect(update(postgres, stored, { port: 5432, host: 'new' })).toMatchObject({
      merged: { port: '5432' },
      changed: ['host'],
    })
    const text = { type: 'bigquery', ...leastFields(bigquery), service_account_key: JSON.stringify(serviceAccount) }
    expect(update(bigquery, text, { service_account_key: serviceAccount, location: 'EU' }).merged).toMatchObject({
      service_account_key: text.service_account_key,
    })
  })

  test('loses a list of several items when its field is given or unset', () => {
    const stored = { ...base, schemas: ['a', 'b'] }
    expect(update(postgres, stored, { default_schema: 'c' }).merged).toEqual({ ...base, schemas: ['c'] })
    expect(update(postgres, stored, {}, ['schema'])).toMatchObject({ merged: base, changed: ['default_schema'] })
    expect(update(postgres, stored, { host: 'new' }).merged).toEqual({ ...stored, host: 'new' })
  })

  test('gets no defaults for fields that the update does not touch', () => {
    const stored = { type: 'postgres', ...leastFields(postgres) }
    expect(update(postgres, stored, {}).changed).toEqual([])
    expect(update(postgres, stored, { host: 'new' }).changed).toEqual(['host'])
  })

  test('may have a field without the one it needs, unless given', () => {
    expect(update(postgres, { ...base, ssh_port: 22 }, { host: 'new' }).problems).toEqual([])
    expect(update(postgres, base, { ssh_port: 22 }).problems).toEqual([
      { field: 'ssh_port', message: 'requires jump_host' },
    ])
  })

  test('must have all required fields after the update', () => {
    const { username: _, ...unusable } = base as Record<string, unknown>
    expect(update(postgres, unusable, { host: 'new' }).problems).toEqual([
      { field: 'username', message: 'is required' },
    ])
    expect(update(postgres, unusable, { username: 'u' }).problems).toEqual([])
  })

  test('may have values of an invalid format', () => {
    expect(update(postgres, { ...base, port: 'odd', password: 12 }, { host: 'new' }).problems).toEqual([])
  })
})

describe('unsetting', () => {
  test('removes a field, by any of its names', () => {
    const stored = { ...base, default_schema: 's' }
    for (const name of ['default_schema', 'schema', 'schemas']) {
      expect(update(postgres, stored, {}, [name])).toEqual({ merged: base, changed: ['default_schema'], problems: [] })
    }
  })

  test('a field that is not stored changes nothing', () => {
    expect(update(postgres, base, {}, ['default_schema'])).toEqual({ merged: base, changed: [], problems: [] })
  })

  test('restores the default of a field', () => {
    expect(update(postgres, { ...base, port: 6543 }, {}, ['port'])).toEqual({
      merged: base,
      changed: ['port'],
      problems: [],
    })
  })

  test('a required field is a problem', () => {
    expect(update(postgres, base, {}, ['password']).problems).toEqual([
      { field: 'password', message: 'is required and cannot be unset: set a new value' },
    ])
  })

  test('an unknown field is a problem with a suggestion', () => {
    expect(update(postgres, base, {}, ['ssl_mod']).problems).toEqual([
      { field: 'ssl_mod', message: 'is not a field of postgres; did you mean "ssl_mode"?' },
    ])
    expect(update(postgres, base, {}, ['constructor', 'type']).problems).toHaveLength(2)
  })

  test('a field that is also given is a problem', () => {
    expect(update(postgres, base, { default_schema: 's' }, ['schema']).problems).toEqual([
      { field: 'default_schema', message: 'is both set and unset: choose one' },
    ])
  })

  test('a jump host also unsets its port', () => {
    const result = update(postgres, { ...base, ...tunnel }, {}, ['jump_host', 'ssh_username', 'ssh_private_key'])
    expect(result).toEqual({ merged: base, changed: Object.keys(tunnel), problems: [] })
  })

  test('a part of a tunnel is a problem', () => {
    expect(update(postgres, { ...base, ...tunnel }, {}, ['jump_host']).problems).toEqual([
      { field: 'jump_host', message: 'is required with ssh_username and ssh_private_key: set all of them or none' },
    ])
  })

  test('one login method allows the other', () => {
    const stored = { type: 'snowflake', ...leastFields(snowflake) }
    expect(update(snowflake, stored, { private_key: openSshKey }).problems).toHaveLength(1)
    const result = update(snowflake, stored, { private_key: openSshKey }, ['password'])
    expect(result.problems).toEqual([])
    expect(result.changed).toEqual(['password', 'private_key'])
  })

  test('a private key also unsets its passphrase', () => {
    const { password, ...rest } = leastFields(snowflake)
    const stored = { type: 'snowflake', ...rest, private_key: openSshKey, private_key_passphrase: 'p' }
    const result = update(snowflake, stored, { password }, ['private_key'])
    expect(result.problems).toEqual([])
    expect(result.changed).toEqual(['password', 'private_key', 'private_key_passphrase'])
  })
})

test('a new tunnel gets its default port', () => {
  const { ssh_port: _, ...given } = tunnel
  const result = update(postgres, base, given)
  expect(result.merged).toMatchObject({ ssh_port: 22 })
  expect(result.changed).toEqual(Object.keys(tunnel))
})

describe('a derived field', () => {
  const stored = { type: 'bigquery', ...leastFields(bigquery), project_id: 'key-project' }
  const service_account_key = { ...serviceAccount, project_id: 'new-project' }

  test('follows its source if it did before', () => {
    const result = update(bigquery, stored, { service_account_key })
    expect(result.merged).toMatchObject({ project_id: 'new-project' })
    expect(result.changed).toEqual(['service_account_key', 'project_id'])
  })

  test('follows a source that is stored as text', () => {
    const text = { ...stored, service_account_key: JSON.stringify(serviceAccount) }
    expect(update(bigquery, text, { service_account_key }).merged).toMatchObject({ project_id: 'new-project' })
  })

  test('stays if it was set explicitly', () => {
    const result = update(bigquery, { ...stored, project_id: 'chosen' }, { service_account_key })
    expect(result.merged).toMatchObject({ project_id: 'chosen' })
    const given = update(bigquery, stored, { service_account_key, project_id: 'given' })
    expect(given.merged).toMatchObject({ project_id: 'given' })
  })

  test('is derived again when it is unset', () => {
    const result = update(bigquery, { ...stored, project_id: 'chosen' }, {}, ['project_id'])
    expect(result).toEqual({ merged: stored, changed: ['project_id'], problems: [] })
  })
})

test('without stored credentials all fields are required and defaults are added', () => {
  expect(update(postgres, null, { host: 'h' }).problems.map(({ field }) => field)).toEqual([
    'username',
    'password',
    'default_database',
  ])
  expect(update(postgres, null, leastFields(postgres))).toEqual({
    merged: base,
    changed: ['host', 'port', 'username', 'password', 'default_database'],
    problems: [],
  })
})
