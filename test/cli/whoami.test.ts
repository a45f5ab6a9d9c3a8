import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, jsonError, temporaryFolder } from '../support/run.ts'
import { ADMIN, createSite, type Site } from '../support/site.ts'
import { eventsOf } from '../support/stored.ts'

let acme: Site

beforeAll(async () => {
  acme = await createSite()
})

afterAll(() => acme?.drop())

describe('whoami', () => {
  test('prints the user, organization and role, and how they were identified', async () => {
    const shown = json(await acme.dsctl(['whoami', '-o', 'json']))
    expect(shown).toEqual({
      user: { id: acme.admin.id, email: ADMIN, name: null },
      organization: acme.organization,
      role: 'workspace_admin',
      identity_source: 'metadata of the Vault entity',
      token_ttl_seconds: expect.any(Number),
    })
    expect(shown.token_ttl_seconds).toBeGreaterThan(60)
  })

  test('shows the profile and the time left at a terminal', async () => {
    const { stdout } = await acme.dsctl(['whoami'])
    expect(stdout).toMatch(/^User +admin@example\.com$/m)
    expect(stdout).toMatch(/^Profile +default$/m)
    expect(stdout).toMatch(/^Token +expires in (59 minutes|1 hour)$/m)
  })

  test('shows no time left for a token that does not expire', async () => {
    const env = { VAULT_TOKEN: acme.vault.rootToken, DSCTL_USER: ADMIN }
    expect(json(await acme.dsctl(['whoami', '-o', 'json'], { env }))).toMatchObject({
      identity_source: 'named by a root token',
      token_ttl_seconds: null,
    })
  })

  test.each(['data_admin', 'querier', 'restricted_querier', 'viewer'] as const)('is allowed for a %s', async role => {
    const person = await acme.addPerson({ email: `${role}@example.com`, role })
    expect(json(await acme.dsctl(['whoami', '-o', 'json'], { env: person.env }))).toMatchObject({
      user: { id: person.id, name: role },
      role,
    })
  })

  test('names the address that the application does not know', async () => {
    const env = { VAULT_TOKEN: await acme.vault.userToken({ email: 'stranger@example.com' }) }
    const error = jsonError(await acme.dsctl(['whoami', '-o', 'json'], { env }))
    expect(error).toMatchObject({ exit_code: 4, code: 'forbidden' })
    expect(error.message).toContain('stranger@example.com (metadata of the Vault entity)')
  })

  test('requires --org for a member of several organizations', async () => {
    const person = await acme.addPerson({ email: 'both@example.com', role: 'viewer' })
    await acme.addMember(person.id, await acme.addOrganization('Globex'), { role: 'data_admin' })
    const options = { env: person.env, home: temporaryFolder() }
    const error = jsonError(await acme.dsctl(['whoami', '-o', 'json'], options))
    expect(error).toMatchObject({ exit_code: 2 })
    expect(error.fields?.map(({ message }) => message)).toEqual(['Acme', 'Globex'])
    expect(json(await acme.dsctl(['whoami', '--org', 'Globex', '-o', 'json'], options))).toMatchObject({
      organization: { name: 'Globex' },
      role: 'data_admin',
    })
  })

  test('writes no audit event', async () => {
    await acme.dsctl(['whoami'])
    expect(await eventsOf(acme, `action = 'whoami'`)).toEqual([])
  })
})
