import { describe, expect, test } from 'vitest'
import { Secret, SecretSource } from '../../../src/domain/secret.ts'
import { checkRules, missingFields } from '../../../src/source-types/check-rules.ts'
import { completeCredentials } from '../../../src/source-types/complete-credentials.ts'
import { getSourceType, sourceTypes } from '../../../src/source-types/index.ts'
import { fingerprint, fullFields, invented, leastFields, openSshKey, serviceAccount } from './samples.ts'

const postgres = getSourceType('postgres')
const snowflake = getSourceType('snowflake')
const bigquery = getSourceType('bigquery')

function sealed(values: Record<string, unknown>): Record<string, Secret> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)]))
}

function revealed(values: Readonly<Record<string, Secret>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.reveal()]))
}

describe('missing fields', () => {
  test('are the required fields, and one of several alternatives', () => {
    expect(missingFields(postgres, {})).toEqual([['host'], ['username'], ['password'], ['default_database']])
    expect(missingFields(bigquery, {})).toEqual([['service_account_key'], ['default_dataset']])
    expect(missingFields(snowflake, sealed({ account_id: 'a', username: 'u' }))).toEqual([
      ['warehouse_id'],
      ['default_database'],
      ['password', 'private_key'],
    ])
  })

  test('are the other fields of a group', () => {
    const given = sealed({ ...leastFields(postgres), jump_host: 'j' })
    expect(missingFields(postgres, given)).toEqual([['ssh_username'], ['ssh_private_key']])
    expect(checkRules(postgres, given)).toEqual([
      { field: 'ssh_username', message: 'is required with jump_host: set all of them or none' },
      { field: 'ssh_private_key', message: 'is required with jump_host: set all of them or none' },
    ])
  })

  test.each([...sourceTypes, invented])('are none in a complete $name', type => {
    for (const fields of [leastFields(type), fullFields(type)]) {
      expect(missingFields(type, sealed(fields))).toEqual([])
      expect(checkRules(type, sealed(fields))).toEqual([])
    }
  })

  test('are found before any secret is fetched', () => {
    const given = { ...sealed(leastFields(postgres)), password: new SecretSource('-', 'flag') }
    expect(checkRules(postgres, given)).toEqual([])
  })
})

describe('broken rules', () => {
  const least = leastFields(snowflake)

  test('two alternatives together are a problem', () => {
    expect(checkRules(snowflake, sealed({ ...least, private_key: openSshKey }))).toEqual([
      { field: 'private_key', message: 'conflicts with password: set one of them and unset the other' },
    ])
  })

  test('no alternative is a problem', () => {
    const { password: _, ...rest } = least
    expect(checkRules(snowflake, sealed(rest))).toEqual([
      { field: 'password', message: 'is required, unless private_key is set' },
    ])
  })

  test('a field without the one it needs is a problem', () => {
    expect(checkRules(snowflake, sealed({ ...least, private_key_passphrase: 'p' }))).toEqual([
      { field: 'private_key_passphrase', message: 'requires private_key' },
    ])
    expect(checkRules(postgres, sealed({ ...leastFields(postgres), ssh_port: 22, ssh_host_key: fingerprint }))).toEqual(
      [
        { field: 'ssh_port', message: 'requires jump_host' },
        { field: 'ssh_host_key', message: 'requires jump_host' },
      ],
    )
  })
})

describe('completing credentials', () => {
  test('adds defaults, with type first and the fields in order', () => {
    const reversed = Object.fromEntries(Object.entries(leastFields(postgres)).reverse())
    const credentials = revealed(completeCredentials(postgres, sealed(reversed)))
    expect(credentials).toMatchObject({ type: 'postgres', port: 5432 })
    expect(Object.keys(credentials)).toEqual(['type', 'host', 'port', 'username', 'password', 'default_database'])
  })

  test('keeps a given value instead of the default', () => {
    const sqlserver = getSourceType('sqlserver')
    const given = sealed({ ...leastFields(sqlserver), encrypt: false })
    expect(revealed(completeCredentials(sqlserver, given))).toMatchObject({
      encrypt: false,
      trust_server_certificate: false,
      port: 1433,
    })
  })

  test("adds a group's default only if the group is used", () => {
    const tunnel = { jump_host: 'j', ssh_username: 'u', ssh_private_key: openSshKey }
    expect(revealed(completeCredentials(postgres, sealed({ ...leastFields(postgres), ...tunnel })))).toMatchObject({
      ssh_port: 22,
    })
    expect(completeCredentials(postgres, sealed(leastFields(postgres)))).not.toHaveProperty('ssh_port')
  })

  test('derives the project from the key, unless it is given', () => {
    const least = leastFields(bigquery)
    expect(revealed(completeCredentials(bigquery, sealed(least)))).toEqual({
      type: 'bigquery',
      service_account_key: serviceAccount,
      project_id: 'key-project',
      default_dataset: 'some text',
    })
    expect(revealed(completeCredentials(bigquery, sealed({ ...least, project_id: 'p' })))).toMatchObject({
      project_id: 'p',
    })
  })
})
