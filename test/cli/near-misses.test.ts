import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonError } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

let site: Site

beforeAll(async () => {
  site = await createSite()
  await site.addDataSource({ name: 'Sales Europe', env: 'production' })
  await site.addDataSource({ name: 'Sales Europe', env: 'dev' })
  await site.addDataSource({ name: 'Orders', env: 'dev' })
  const other = await site.addOrganization('Others')
  await site.addDataSource({ name: 'Warehouse', env: 'dev', organizationId: other })
})
afterAll(() => site.drop())

describe('A misspelt name', () => {
  test.each([
    ['get', ['get', 'Sales Euorpe']],
    ['get, in lower case', ['get', 'sales europe']],
    ['get in an env', ['get', 'Sales Eurpe', '--env', 'production']],
    ['update', ['update', 'Sales Eurpe', '--port', '1']],
    ['update of its name', ['update', 'Sales Eurpe', '--set-name', 'x']],
    ['delete', ['delete', 'Sales Eurpe', '--yes']],
    ['test', ['test', 'Sales Eurpe']],
    ['onboarding', ['onboarding', 'Sales Eurpe', 'inProgress']],
  ])('is not found by %s, which suggests the right one', async (_, args) => {
    const result = await site.dsctl([...args, '-o', 'json'])
    expect(result).toMatchObject({ code: 5, stdout: '' })
    expect(Object.keys(jsonError(result))).toEqual(['code', 'status', 'exit_code', 'message', 'hint'])
    expect(jsonError(result).hint).toMatch(/^Did you mean Sales Europe \(env (dev, production|production, dev)\)\?$/)
  })

  test('in another env is suggested with that env', async () => {
    const result = await site.dsctl(['get', 'Orders', '--env', 'production'])
    expect(result.stderr).toBe('dsctl: There is no data source Orders.\nDid you mean Orders (env dev)?\n')
  })

  test.each([
    ['another organization’s', 'Warehose'],
    ['nothing near', 'Invoices'],
    ['a UUID', '00000000-0000-4000-8000-000000000000'],
  ])('gets no suggestion if it resembles %s', async (_, name) => {
    const { code, stderr } = await site.dsctl(['get', name])
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: `dsctl: There is no data source ${name}.\nRun dsctl list to see them.\n`,
    })
  })
})

describe('A command of another tool', () => {
  test.each([
    ['rename', 'update REF --set-name NAME'],
    ['mv', 'update REF --set-name NAME'],
    ['undelete', 'create to create it again'],
    ['restore', 'create to create it again'],
    ['show', 'get REF'],
    ['edit', 'update REF'],
    ['remove', 'delete REF'],
    ['import', 'apply -f FILE'],
    ['plan', 'diff -f FILE'],
    ['history', 'audit'],
    ['users', 'member list'],
    ['profiles', 'config profiles'],
    ['status', 'doctor'],
    ['member rm', 'member remove EMAIL'],
    ['member invite', 'member add EMAIL --role ROLE'],
    ['template create', 'template set NAME'],
    ['config rm', 'config unset KEY'],
  ])('%s gets a hint that names an existing command', async (words, says) => {
    const { code, stderr } = await site.dsctl([...words.split(' '), 'Sales'])
    expect(code).toBe(2)
    expect(stderr).toMatch(new RegExp(`^dsctl: Unknown command .*\\n.*\\bdsctl ${says}\\b.*\\n$`))
    const command = /dsctl ([a-z -]+?)(?= [A-Z]| -| to|\.$)/m.exec(stderr.split('\n')[1] ?? '')?.[1] ?? ''
    expect(await site.dsctl([...command.split(' '), '--help'])).toMatchObject({ code: 0 })
  })

  test('never leads to a delete by mistake', async () => {
    expect((await site.dsctl(['undelete', 'Sales'])).stderr).not.toMatch(/mean|run dsctl delete/)
  })
})

describe('A misspelt word gets a suggestion', () => {
  test.each([
    ['a command', ['lits'], 'Did you mean list?'],
    ['a topic', ['help', 'exit-code'], 'Did you mean exit-codes?'],
    ['a command of a command', ['config', 'profles'], 'Did you mean profiles?'],
    ['a flag', ['list', '--serach', 'x'], 'Did you mean --search?'],
    ['a global flag', ['list', '--profle', 'x'], 'Did you mean --profile?'],
    ['a type', ['list', '--type', 'snowflak'], 'did you mean "snowflake"?'],
    ['a status', ['list', '--status', 'complete'], 'did you mean "completed"?'],
    ['a status to move to', ['onboarding', 'Orders', 'inprogess'], 'did you mean "inProgress"?'],
    ['a format', ['list', '-o', 'jsn'], 'did you mean "json"?'],
    ['a choice', ['create', '--if-exists', 'skp'], 'did you mean "skip"?'],
    ['a role', ['member', 'add', 'bob@example.com', '--role', 'data_amdin'], 'did you mean "data_admin"?'],
    ['a method', ['login', '--method', 'userpas'], 'did you mean "userpass"?'],
    ['a setting', ['config', 'get', 'vault.mout'], 'Did you mean vault.mount?'],
    ['a profile to use', ['config', 'use', 'embeded'], 'Did you mean embedded?'],
    ['a profile', ['list', '--profile', 'embeded'], 'Did you mean embedded?'],
    ['a shell', ['completion', 'zhs'], 'bash, zsh, fish'],
  ])('%s', async (_, args, says) => {
    const result = await site.dsctl(args)
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says) })
  })

  test('the type of a request in a batch', async () => {
    const stdin = JSON.stringify([{ name: 'A', env: 'dev', type: 'postgrse' }])
    const result = await site.dsctl(['apply', '-f', '-'], { stdin })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain('(A), type: must be one of postgres, mysql')
    expect(result.stderr).toContain('did you mean "postgres"?')
  })
})

describe('An empty or unchangeable value', () => {
  test.each([
    ['get of an empty name', ['get', ''], 'ref: must not be empty'],
    ['get of a space', ['get', ' '], 'There is no data source'],
    ['list in an empty env', ['list', '--env', ''], 'env: must not be empty'],
    [
      'an update to another type',
      ['update', 'Orders', '--type', 'mysql', '--port', '1'],
      'type: is postgres and cannot be changed',
    ],
    [
      'an update to an unknown type',
      ['update', 'Orders', '--type', 'msyql', '--port', '1'],
      'type: is postgres and cannot be changed',
    ],
  ])('%s', async (_, args, says) => {
    const result = await site.dsctl(args)
    expect(result.stdout).toBe('')
    expect(result.code).toBe(args[1] === ' ' ? 5 : 2)
    expect(result.stderr).toContain(says)
  })

  test('an update may name the current type', async () => {
    const result = await site.dsctl(['update', 'Orders', '--type', 'postgres', '--set-env', 'test'])
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('Changed: env.') })
  })
})
