import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { someOf } from '../support/all-cases.ts'
import { markedBlock } from '../support/docs.ts'
import { folderWith } from '../support/requests.ts'
import { jsonError, type RunResult } from '../support/run.ts'
import { ADMIN, createSite, grants, type Person, type Role, type Site } from '../support/site.ts'
import { type Everything, eventsOf, everythingIn, type Row } from '../support/stored.ts'

// Permissions: every command with every role and membership status, in the same organization and in others.

const ROLES: readonly Role[] = ['workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer']
const STATES = ['active', 'inactive', 'pending', 'guest', 'removed'] as const
type State = (typeof STATES)[number]

const READERS = ROLES
const CHANGERS: readonly Role[] = ['workspace_admin', 'data_admin']
const ADMINS: readonly Role[] = ['workspace_admin']

interface Verb {
  readonly args: (role: Role) => readonly string[]
  readonly may: readonly Role[]
  /** The action of the audit event, done or denied; undefined if the command is not audited. */
  readonly audited?: string
  /** The action of a denial, if only denials are audited or if they have a name of their own. */
  readonly deniedAs?: string
}

const FIELDS = ['--type', 'databricks', '--host', 'h.example.com', '--api-key', 'env:KEY', '--warehouse-id', '1']
const create = (name: string) => ['create', name, '--env', 'dev', ...FIELDS, '--default-catalog', 'main']

const VERBS: Readonly<Record<string, Verb>> = {
  whoami: { args: () => ['whoami'], may: READERS },
  list: { args: () => ['list', '--all'], may: READERS },
  get: { args: role => ['get', `Own ${role}`], may: READERS, audited: 'get' },
  'member list': { args: () => ['member', 'list'], may: READERS },
  create: { args: role => create(`New ${role}`), may: CHANGERS, audited: 'create' },
  'create --dry-run': { args: role => [...create(`Dry ${role}`), '--dry-run'], may: CHANGERS },
  'update of a name': {
    ...{ args: role => ['update', `Own ${role}`, '--set-name', `Own ${role}`, '--set-env', 'test'], may: CHANGERS },
    audited: 'update',
  },
  'update of credentials': {
    ...{ args: role => ['update', `Own ${role}`, '--host', 'new.example.com'], may: CHANGERS, audited: 'update' },
  },
  'update of a secret': {
    ...{ args: role => ['update', `Own ${role}`, '--api-key', 'env:NEW_KEY'], may: CHANGERS, audited: 'update' },
  },
  onboarding: {
    ...{ args: role => ['onboarding', `Own ${role}`, 'inProgress'], may: CHANGERS, audited: 'onboarding' },
  },
  delete: { args: role => ['delete', `Own ${role}`, '--yes'], may: CHANGERS, audited: 'delete' },
  apply: { args: role => ['apply', '-f', fileOf(role)], may: CHANGERS, audited: 'create', deniedAs: 'apply' },
  'apply --dry-run': { args: role => ['apply', '-f', fileOf(role), '--dry-run'], may: CHANGERS, deniedAs: 'diff' },
  diff: { args: role => ['diff', '-f', fileOf(role)], may: CHANGERS, deniedAs: 'diff' },
  export: { args: () => ['export'], may: CHANGERS, deniedAs: 'export' },
  'template list': { args: () => ['template', 'list'], may: READERS },
  'template get': { args: role => ['template', 'get', `Own ${role}`], may: READERS },
  'template set': {
    args: role => [
      'template',
      'set',
      `Own ${role}`,
      '--type',
      'databricks',
      '--host',
      'new.example.com',
      '--default-catalog',
      'main',
    ],
    ...{ may: CHANGERS, audited: 'template set' },
  },
  'create --template': {
    args: role => ['create', `Preset ${role}`, '--env', 'dev', '--template', `Own ${role}`, ...FIELDS.slice(4)],
    ...{ may: CHANGERS, audited: 'create' },
  },
  'template delete': {
    ...{ args: role => ['template', 'delete', `Own ${role}`], may: CHANGERS, audited: 'template delete' },
  },
  audit: { args: () => ['audit'], may: CHANGERS, deniedAs: 'audit' },
  doctor: { args: () => ['doctor'], may: CHANGERS, deniedAs: 'doctor' },
  'member add': {
    ...{ args: role => ['member', 'add', `new-${role}@example.com`, '--role', 'viewer'], may: ADMINS },
    audited: 'member add',
  },
  'member set-role': {
    ...{ args: () => ['member', 'set-role', 'someone@example.com', 'querier'], may: ADMINS },
    audited: 'member set-role',
  },
  'member remove': {
    args: () => ['member', 'remove', 'someone@example.com', '--yes'],
    may: ADMINS,
    audited: 'member remove',
  },
  'audit prune': {
    args: () => ['audit', 'prune', '--before', '2000-01-01', '--yes'],
    may: ADMINS,
    audited: 'audit prune',
  },
}
const NAMES = Object.keys(VERBS)
const deniedAs = (name: string) => VERBS[name]?.deniedAs ?? VERBS[name]?.audited

let folder: string
const fileOf = (role: Role) => join(folder, `${role}.json`)
const request = (role: Role) => ({
  ...{ name: `Applied ${role}`, env: 'dev', type: 'databricks', host: 'h.example.com', api_key: 'k' },
  ...{ warehouse_id: '1', default_catalog: 'main' },
})

let acme: Site
/** By `ROLE STATUS`. */
let people: ReadonlyMap<string, Person>

beforeAll(async () => {
  acme = await createSite(['members'])
  folder = folderWith(Object.fromEntries(ROLES.map(role => [`${role}.json`, JSON.stringify(request(role))])))
  await acme.addPerson({ email: 'someone@example.com', role: 'viewer' })
  const globex = await acme.addOrganization('Globex')
  await acme.addDataSource({ name: 'Own viewer', organizationId: globex })
  people = new Map(await Promise.all(ROLES.flatMap(role => STATES.map(state => addPerson(role, state)))))
  await many(ROLES.map(role => ({ args: create(`Own ${role}`), env: {} })))
  const template = (role: Role) => ['template', 'set', `Own ${role}`, '--type', 'databricks', '--host', 'h.example.com']
  await many(ROLES.map(role => ({ args: template(role), env: {} })))
})

afterAll(() => acme?.drop())

async function addPerson(role: Role, state: State): Promise<readonly [string, Person]> {
  const person = await acme.addPerson({ email: `${role}-${state}@example.com` })
  const status = state === 'removed' ? 'active' : state
  await acme.addMember(person.id, acme.organization.id, { role, status })
  const remove = 'UPDATE users_to_organizations SET deleted_at = now() WHERE user_id = $1'
  if (state === 'removed') await acme.database.query(remove, [person.id])
  return [`${role} ${state}`, person]
}

interface Line {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Runs commands, each with the environment of its person, or as the admin. */
async function many(lines: readonly Line[]): Promise<RunResult[]> {
  const common = { DSCTL_CONFIG_DIR: `${acme.home}/none`, KEY: 'k', NEW_KEY: 'n', DSCTL_OUTPUT: 'json' }
  const results: RunResult[] = []
  const entries = lines.entries()
  const work = async () => {
    for (const [at, { args, env }] of entries) results[at] = await acme.dsctl(args, { env: { ...common, ...env } })
  }
  await Promise.all([1, 2, 3, 4].map(work))
  return results
}

function person(role: Role, state: State): Person {
  const found = people.get(`${role} ${state}`)
  if (!found) throw new Error(`there is no ${role} who is ${state}`)
  return found
}

function line(role: Role, state: State, name: string, more: readonly string[] = []): Line {
  const env = { ...person(role, state).env }
  return { args: [...(VERBS[name]?.args(role) ?? []), ...more], env }
}

/** Everything that a denied command must not change. */
async function kept(): Promise<[Omit<Everything, 'events'>, Row[], Row[]]> {
  const { events: _, ...stores } = await everythingIn(acme)
  const members = 'SELECT user_id, organization_id, role, status, deleted_at FROM users_to_organizations ORDER BY 1, 2'
  const templates = 'SELECT * FROM dsctl.templates ORDER BY name'
  return [stores, await acme.database.query(members), await acme.database.query(templates)]
}

const deniedTo = (email: string) => eventsOf(acme, `actor_email = $1 AND outcome = 'denied'`, [email])
const sorted = (actions: readonly (string | undefined)[]) => actions.filter(Boolean).sort()

describe('A person who is not an active member', () => {
  test.each(someOf(STATES.slice(1), 4))('is denied every command in every role: %s', async state => {
    const before = await kept()
    const cells = ROLES.flatMap(role => NAMES.map(name => ({ role, name })))
    const results = await many(cells.map(({ role, name }) => line(role, state, name, ['--org', 'Acme'])))
    const codes = cells.map(({ role, name }, at) => `${role} ${name}: ${results[at]?.code} ${results[at]?.stdout}`)
    expect(codes).toEqual(cells.map(({ role, name }) => `${role} ${name}: 4 `))
    expect(await kept()).toEqual(before)
    const expected = sorted(NAMES.map(deniedAs))
    for (const role of ROLES) {
      const events = await deniedTo(person(role, state).email)
      expect(sorted(events.map(({ action }) => action))).toEqual(expected)
    }
  })
})

describe('An active member', () => {
  test('is denied what the role does not allow, and it is audited', async () => {
    const before = await kept()
    const cells = ROLES.flatMap(role =>
      NAMES.filter(name => !VERBS[name]?.may.includes(role)).map(name => ({ role, name })),
    )
    const results = await many(cells.map(({ role, name }) => line(role, 'active', name)))
    const codes = cells.map(({ role, name }, at) => `${role} ${name}: ${results[at]?.code} ${results[at]?.stdout}`)
    expect(cells.length).toBeGreaterThan(30)
    expect(codes).toEqual(cells.map(({ role, name }) => `${role} ${name}: 4 `))
    expect(new Set(results.map(result => jsonError(result).message))).toEqual(
      new Set(ROLES.slice(1).map(role => `Your role ${role} is not allowed to do this.`)),
    )
    // The hint names the roles that would do, and so never the person's own.
    expect(results.map(result => jsonError(result).hint)).toEqual(
      cells.map(({ name }) => `It requires the role ${VERBS[name]?.may.join(' or ')} in the organization.`),
    )
    expect(await kept()).toEqual(before)
    for (const role of ROLES) {
      const names = cells.filter(cell => cell.role === role).map(({ name }) => deniedAs(name))
      const events = await deniedTo(person(role, 'active').email)
      expect(sorted(events.map(({ action }) => action))).toEqual(sorted(names))
    }
  })

  test('gets the error of the role even if the servers would also refuse', async () => {
    const before = await kept()
    const viewer = person('viewer', 'active')
    const { role, url } = await acme.database.createRole()
    await acme.database.query(grants('reader', role))
    const policies = [await acme.vault.createPolicy('reader', markedBlock('policy: reader'))]
    const token = await acme.vault.userToken({ email: viewer.email, policies })
    const env = { DSCTL_DATABASE_URL: url, VAULT_TOKEN: token }
    const names = NAMES.filter(name => !VERBS[name]?.may.includes('viewer'))
    const trail = async () => (await deniedTo(viewer.email)).map(({ action }) => action)
    const old = await trail()
    const results = await many(names.map(name => ({ args: VERBS[name]?.args('viewer') ?? [], env })))
    const outputs = names.map((name, at) => {
      const result = results[at] as RunResult
      return `${name}: ${result.code} ${result.stdout}${jsonError(result).message}`
    })
    expect(outputs).toEqual(names.map(name => `${name}: 4 Your role viewer is not allowed to do this.`))
    expect(await kept()).toEqual(before)
    expect(sorted(await trail())).toEqual(sorted([...old, ...names.map(deniedAs)]))
  })

  test('of another organization finds nothing, as if it did not exist', async () => {
    const before = await kept()
    const cells = ROLES.flatMap(role => NAMES.map(name => ({ role, name })))
    const there = await many(cells.map(({ role, name }) => line(role, 'active', name, ['--org', 'Globex'])))
    const nowhere = await many(cells.map(({ role, name }) => line(role, 'active', name, ['--org', 'Nowhere'])))
    expect(new Set(there.map(({ code }) => code))).toEqual(new Set([5]))
    expect(there).toEqual(nowhere)
    expect(await kept()).toEqual(before)
  })

  test('cannot distinguish another organization’s data source from a missing one', async () => {
    const id = await acme.addDataSource({ name: 'Foreign', organizationId: await acme.addOrganization('Initech') })
    const none = '00000000-0000-4000-8000-000000000000'
    const verbs = (ref: string) => [
      ['get', ref],
      ['update', ref, '--host', 'x.example.com'],
      ['update', ref, '--set-name', 'Mine'],
      ['delete', ref, '--yes'],
    ]
    const asAdmin = (ref: string) => many(verbs(ref).map(args => ({ args, env: {} })))
    const [byId, byName, missing] = [await asAdmin(id), await asAdmin('Foreign'), await asAdmin(none)]
    const outputs = (results: readonly RunResult[], ref: string) =>
      results.map(({ code, stdout, stderr }) => ({ code, stdout, stderr: stderr.replaceAll(ref, 'REF') }))
    expect(new Set(missing.map(({ code }) => code))).toEqual(new Set([5]))
    expect(outputs(byId, id)).toEqual(outputs(missing, none))
    expect(outputs(byName, 'Foreign')).toEqual(outputs(missing, none))
  })

  test('elsewhere does not find an organization without an active membership', async () => {
    const home = await acme.addOrganization('Home')
    const codes = []
    for (const state of STATES.slice(1)) {
      const { id } = person('workspace_admin', state)
      await acme.addMember(id, home, { role: 'viewer' })
      const [there, nowhere] = await many([
        line('workspace_admin', state, 'list', ['--org', 'Acme']),
        line('workspace_admin', state, 'list', ['--org', 'Nowhere']),
      ])
      codes.push(there?.code)
      expect(there).toEqual(nowhere)
    }
    expect(codes).toEqual([5, 5, 5, 5])
  })

  test.each(ROLES)('does what the role allows, in both stores and the audit trail: %s', async role => {
    const names = NAMES.filter(name => VERBS[name]?.may.includes(role))
    const results: RunResult[] = []
    for (const name of names) results.push(...(await many([line(role, 'active', name)])))
    const failures = names.flatMap((name, at) => (results[at]?.code === 0 ? [] : [`${name}: ${results[at]?.stderr}`]))
    expect(failures).toEqual([])
    const { email } = person(role, 'active')
    const done = await eventsOf(acme, `actor_email = $1 AND outcome = 'done'`, [email])
    expect(sorted(done.map(({ action }) => action))).toEqual(sorted(names.map(name => VERBS[name]?.audited)))
    const { records, secrets } = await everythingIn(acme)
    const find = (name: string) => records.find(record => record.name === name)
    const own = records.find(
      ({ name, organization_id }) => name === `Own ${role}` && organization_id === acme.organization.id,
    )
    const changes = CHANGERS.includes(role)
    expect(own?.deleted_at !== null).toBe(changes)
    expect(`data-sources/${own?.secret_id}` in secrets).toBe(!changes)
    expect(secrets[`data-sources/${find(`New ${role}`)?.secret_id}`] !== undefined).toBe(changes)
    expect(find(`Dry ${role}`)).toBeUndefined()
  })

  test('cannot add another admin', async () => {
    const admins = await acme.database.query(
      `SELECT u.email FROM users_to_organizations m JOIN users u ON u.id = m.user_id
       WHERE m.role = 'workspace_admin' AND m.status = 'active' AND m.deleted_at IS NULL ORDER BY u.email`,
    )
    expect(admins.map(({ email }) => email)).toEqual([ADMIN, 'workspace_admin-active@example.com'])
  })
})
