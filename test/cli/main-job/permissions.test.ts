import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf } from '../../support/answer.ts'
import { plainFields, plainStored } from '../../support/examples.ts'
import { json, jsonError, temporaryFolder } from '../../support/run.ts'
import { createSite, ON_EMBEDDED, type Person, type Site } from '../../support/site.ts'
import { everythingIn } from '../../support/stored.ts'
import { dataSourcesOf, unique } from './data-sources.ts'

let site: Site
const { createDataSource, createPlain } = dataSourcesOf(() => site)

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

describe.skipIf(ON_EMBEDDED)('Permissions', () => {
  const optionsOf = (person: Person) => ({ env: person.env, home: temporaryFolder() })
  const person = (role: Parameters<Site['addPerson']>[0]['role']) =>
    site.addPerson({ email: `${randomUUID()}@example.com`, role })

  test.each(['viewer', 'querier', 'restricted_querier'] as const)(
    'a %s may list and get, and change nothing',
    async role => {
      const user = optionsOf(await person(role))
      const { id, name } = await createPlain()
      expect(json(await site.dsctl(['list', '--search', name, '-o', 'json'], user))).toMatchObject([{ id }])
      expect(json(await site.dsctl(['get', id, '-o', 'json'], user)).credentials).toMatchObject({
        password: '[REDACTED]',
      })
      const before = await everythingIn(site)
      const stdin = JSON.stringify({ name: unique('Denied'), env: 'dev', type: 'postgres', ...plainFields })
      for (const args of [
        ['create', '-f', '-'],
        ['create', '-f', '-', '--dry-run'],
        ['update', id, '--set-name', 'x'],
        ['update', id, '--port', '1'],
        ['delete', id, '--yes'],
      ]) {
        const result = await site.dsctl([...args, '-o', 'json'], { ...user, stdin })
        expect(result, args.join(' ')).toMatchObject({ code: 4, stdout: '' })
        expect(jsonError(result)).toMatchObject({
          code: 'forbidden',
          status: 403,
          message: expect.stringContaining(role),
        })
      }
      const { records, secrets, intents } = await everythingIn(site)
      expect({ records, secrets, intents }).toEqual({
        records: before.records,
        secrets: before.secrets,
        intents: before.intents,
      })
    },
  )

  test('a data_admin may create, update and delete', async () => {
    const user = await person('data_admin')
    const request = { name: unique('Theirs'), env: 'dev', type: 'postgres', ...plainFields }
    const answer = await createDataSource(request, optionsOf(user))
    expect(answer.created_by).toEqual({ id: user.id, email: user.email, name: user.email.split('@')[0] })
    expect(await site.dsctl(['update', answer.id, '--port', '1'], optionsOf(user))).toMatchObject({ code: 0 })
    expect(await site.dsctl(['delete', answer.id, '--yes'], optionsOf(user))).toMatchObject({ code: 0 })
  })

  test('another organization’s data source looks like an unknown one', async () => {
    const name = unique('Elsewhere')
    const organizationId = await site.addOrganization(unique('Elsewhere Inc'))
    const foreignId = await site.addDataSource({ name, organizationId })
    await site.vault.writeSecret(`data-sources/${foreignId}`, plainStored)
    const before = await everythingIn(site)
    for (const [ref, unknown] of [
      [foreignId, randomUUID()],
      [name, unique('None')],
    ]) {
      for (const [verb = '', ...options] of [
        ['get'],
        ['update', '--port', '1'],
        ['update', '--set-name', 'x'],
        ['delete', '--yes'],
      ]) {
        const other = await site.dsctl([verb, String(ref), ...options, '-o', 'json'])
        const never = await site.dsctl([verb, String(unknown), ...options, '-o', 'json'])
        expect(other).toMatchObject({ code: 5, stdout: '' })
        expect(other).toEqual({ ...never, stderr: never.stderr.replaceAll(String(unknown), String(ref)) })
      }
    }
    const { records, secrets } = await everythingIn(site)
    expect({ records, secrets }).toEqual({ records: before.records, secrets: before.secrets })
  })

  test('an organization looks unknown to a user who is not an active member', async () => {
    const organization = unique('Closed')
    await site.addOrganization(organization)
    const none = unique('None')
    const closed = await site.dsctl(['list', '--org', organization, '-o', 'json'])
    const never = await site.dsctl(['list', '--org', none, '-o', 'json'])
    expect(closed).toMatchObject({ code: 5, stdout: '' })
    expect(closed).toEqual({ ...never, stderr: never.stderr.replaceAll(none, organization) })
  })

  test('only active memberships count, and several of them require --org', async () => {
    const newcomer = await person(undefined)
    expect(await site.dsctl(['list'], optionsOf(newcomer))).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('member'),
    })
    const [one, two] = [unique('One'), unique('Two')]
    for (const status of ['inactive', 'pending', 'guest']) {
      const id = await site.addOrganization(unique(status))
      await site.addMember(newcomer.id, id, { role: 'workspace_admin', status })
    }
    expect(await site.dsctl(['list'], optionsOf(newcomer))).toMatchObject({ code: 4 })
    for (const name of [one, two]) {
      await site.addMember(newcomer.id, await site.addOrganization(name), { role: 'viewer' })
    }
    const result = await site.dsctl(['list', '-o', 'json'], optionsOf(newcomer))
    expect(result.code).toBe(2)
    expect(
      jsonError(result)
        .fields?.map(({ message }) => message)
        .sort(),
    ).toEqual([one, two].sort())
    for (const org of [
      ['--org', one],
      ['--org', two],
    ]) {
      expect(await site.dsctl(['list', ...org], optionsOf(newcomer))).toMatchObject({ code: 0 })
    }
  })

  test('a user unknown to the application may do nothing', async () => {
    const token = await site.vault.userToken({ email: `${randomUUID()}@example.com` })
    const result = await site.dsctl(['list'], { env: { ...site.env, VAULT_TOKEN: token } })
    expect(result).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('no user') })
  })

  test('a token that may not read credentials gets a warning and the rest', async () => {
    const { id } = await createPlain()
    const policy = await site.vault.createPolicy('nothing', 'path "none" { capabilities = ["read"] }')
    const reader = await site.addPerson({ email: `${randomUUID()}@example.com`, role: 'viewer', policies: [policy] })
    const result = await site.dsctl(['get', id, '-o', 'json'], optionsOf(reader))
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('warning') })
    expect(result.stdout).toBe(await answerOf(site, id, null))
  })
})
