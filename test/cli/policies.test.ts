import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creation } from '../support/requests.ts'
import { json, jsonError, type RunOptions, temporaryFolder } from '../support/run.ts'
import { adminPolicy, createSite, type Site } from '../support/site.ts'

// Two organizations share one Vault. Each has the documented policy for its own path only.

let acme: Site
let globex: string
let ann: RunOptions
let gus: RunOptions

beforeAll(async () => {
  acme = await createSite()
  globex = await acme.addOrganization('Globex')
  ann = await adminOf(acme.organization.id, 'ann@example.com')
  gus = await adminOf(globex, 'gus@example.com')
})
afterAll(() => acme?.drop())

/** A workspace_admin whose token can access only the secrets of their organization. */
async function adminOf(organizationId: string, email: string): Promise<RunOptions> {
  const hcl = adminPolicy(acme.vault.mount, `data-sources/${organizationId}`)
  const policy = await acme.vault.createPolicy('own', hcl)
  const { id, env } = await acme.addPerson({ email, policies: [policy] })
  await acme.addMember(id, organizationId, { role: 'workspace_admin' })
  return { env: { ...env, DSCTL_VAULT_PATH: 'data-sources/{organization_id}/{id}' }, home: temporaryFolder() }
}

const request = (name: string) => ({
  ...{
    name,
    env: 'dev',
    type: 'postgres',
    host: 'db.example.com',
    username: 'app',
    password: 'marker',
    default_database: 'main',
  },
})

async function created(name: string, as: RunOptions): Promise<string> {
  const { args, stdin } = creation(request(name))
  const result = await acme.dsctl(args, { ...as, stdin })
  expect(result, result.stderr).toMatchObject({ code: 0, stderr: '' })
  return json(result).id
}

describe('With the organization in the path and a policy for each', () => {
  test('the main commands work in both, with secrets under their organization', async () => {
    for (const [organization, as] of [
      [acme.organization.id, ann],
      [globex, gus],
    ] as const) {
      const id = await created('Same name', as)
      const secret = async () => (await acme.vault.readSecret(`data-sources/${organization}/${id}`))?.data
      expect(await secret()).toMatchObject({ host: 'db.example.com', password: 'marker' })
      expect(await acme.dsctl(['update', id, '--host', 'h2'], as)).toMatchObject({ code: 0 })
      expect(await secret()).toMatchObject({ host: 'h2', password: 'marker' })
      expect(json(await acme.dsctl(['get', id, '-o', 'json'], as)).credentials).toMatchObject({ host: 'h2' })
      const doctor = await acme.dsctl(['doctor', '--deep'], as)
      expect(doctor, doctor.stdout).toMatchObject({ code: 0 })
      expect(await acme.dsctl(['delete', id, '--yes'], as)).toMatchObject({ code: 0 })
      expect(await secret()).toBeUndefined()
    }
  })

  test('a source secret that the token may not read is refused with its path', async () => {
    const id = await created('With another secret', ann)
    const source = `vault:${acme.vault.mount}/team/sales#password`
    const error = jsonError(await acme.dsctl(['update', id, '--password', source, '-o', 'json'], ann))
    expect(error).toMatchObject({ exit_code: 4, message: expect.stringContaining(source) })
    expect(error.hint).toBe(
      `Add to its policy: path "${acme.vault.mount}/data/team/sales" { capabilities = ["read"] }.`,
    )
  })

  test('Vault separates them, even if Postgres would not', async () => {
    const id = await created('Apart', gus)
    // Ann is a member of both, but her token is for one.
    const [{ id: annId }] = await acme.database.query(`SELECT id FROM users WHERE email = 'ann@example.com'`)
    await acme.addMember(annId, globex, { role: 'workspace_admin' })
    const both = { ...ann, env: { ...ann.env, DSCTL_ORG: 'Globex' } }
    const got = await acme.dsctl(['get', id, '-o', 'json'], both)
    expect(json(got)).toMatchObject({ id, credentials: null })
    for (const [args, stdin] of [
      [['update', id, '--host', 'h2', '-o', 'json']],
      [['delete', id, '--yes', '-o', 'json']],
      [creation(request('Refused')).args, creation(request('Refused')).stdin],
    ] as const) {
      const result = await acme.dsctl(args, { ...both, stdin })
      expect(result, args.join(' ')).toMatchObject({ code: 4, stdout: '' })
      expect(jsonError(result).code).toBe('forbidden')
    }
    expect(json(await acme.dsctl(['get', id, '-o', 'json'], gus)).credentials).toMatchObject({ host: 'db.example.com' })
    expect((await acme.dsctl(['list', '-o', 'name'], gus)).stdout).toBe('Apart\n')
  })
})
