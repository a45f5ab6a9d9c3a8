import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { redactSetting } from '../../src/settings/redact-setting.ts'
import { answerOf } from '../support/answer.ts'
import {
  examples,
  mainRequest,
  mainShown,
  mainStored,
  plainFields,
  plainStored,
  secrets as samples,
} from '../support/examples.ts'
import { folderWith } from '../support/requests.ts'
import { json, jsonError, type RunOptions, temporaryFolder } from '../support/run.ts'
import { createSite, ON_EMBEDDED, type Person, type Site } from '../support/site.ts'
import { eventsOf, everythingIn } from '../support/stored.ts'
import { wiretap } from '../support/wiretap.ts'
import { MARKERS, openSshKey, pemKey } from '../unit/source-types/samples.ts'

let site: Site

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site.drop())

/** What needs Vault itself, or a second person. */
const onServers = test.skipIf(ON_EMBEDDED)

const unique = (name: string) => `${name} ${randomUUID().slice(0, 8)}`
const secretOf = async (id: string) => (await site.vault.readSecret(`data-sources/${id}`))?.data
const rowOf = async (id: string) => (await site.database.query('SELECT * FROM data_sources WHERE id = $1', [id]))[0]

/** Creates a data source as a test's premise. Gives its answer. */
async function created(request: Readonly<Record<string, unknown>>, options: RunOptions = {}) {
  const args = ['create', '-f', '-', '-o', 'json']
  const result = await site.dsctl(args, { stdin: JSON.stringify(request), ...options })
  if (result.code !== 0) throw new Error(`The premise failed: ${result.stderr}`)
  return json(result)
}

const plain = (more: Readonly<Record<string, unknown>> = {}) =>
  created({ name: unique('Plain'), env: 'dev', type: 'postgres', ...plainFields, ...more })

describe('a data source is', () => {
  let id: string

  test('created from a request in JSON, and answered without its secrets', async () => {
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(mainRequest) })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    id = json(result).id
    expect(result.stdout).toBe(await answerOf(site, id, mainShown))
    expect(await secretOf(id)).toEqual(mainStored)
    expect(await rowOf(id)).toMatchObject({
      name: 'Production PostgreSQL',
      env: 'production',
      type: 'postgres',
      secret_id: id,
      organization_id: site.organization.id,
      created_by: site.admin.id,
      updated_by: site.admin.id,
      onboarding_status: 'notStarted',
      onboarding_error: null,
      deleted_at: null,
    })
  })

  test('listed with its id, name, type and times', async () => {
    const result = await site.dsctl(['list', '--env', 'production', '-o', 'json'])
    const { updated_at } = JSON.parse(await answerOf(site, id, null))
    const item = { id, name: 'Production PostgreSQL', type: 'postgres', updated_at }
    const listed = [{ ...item, env: 'production', onboarding_status: 'notStarted' }]
    expect(result).toEqual({ code: 0, signal: null, stdout: `${JSON.stringify(listed, null, 2)}\n`, stderr: '' })
  })

  test('fetched by its id and by its name, in the same words', async () => {
    const whole = await answerOf(site, id, mainShown)
    for (const args of [
      [id],
      [id.toUpperCase()],
      ['Production PostgreSQL'],
      ['Production PostgreSQL', '--env', 'production'],
    ]) {
      const result = await site.dsctl(['get', ...args, '-o', 'json'])
      expect(result, args.join(' ')).toEqual({ code: 0, signal: null, stdout: whole, stderr: '' })
    }
  })

  test('shown with the live data sets that are built on it', async () => {
    const add = (name: string, deleted: string | null) =>
      site.database.query(
        `INSERT INTO datasets (id, name, data_source_id, organization_id, deleted_at)
         VALUES (gen_random_uuid(), $1, $2, $3, $4)`,
        [name, id, site.organization.id, deleted],
      )
    await add('Orders', null)
    await add('Customers', null)
    await add('Gone', '2020-01-01')
    const { data_sets } = json(await site.dsctl(['get', id, '-o', 'json']))
    expect(data_sets).toEqual([
      { id: expect.any(String), name: 'Customers' },
      { id: expect.any(String), name: 'Orders' },
    ])
    expect(Object.keys(data_sets[0])).toEqual(['id', 'name'])
    await site.database.query('DELETE FROM datasets WHERE data_source_id = $1', [id])
  })

  test('renamed and moved to another env without a touch on its secret', async () => {
    const args = ['update', id, '--set-name', '  Renamed  ', '--set-env', 'staging', '-o', 'json']
    const result = await site.dsctl(args)
    expect(result).toMatchObject({ code: 0, stderr: 'Changed: name, env.\n' })
    expect(result.stdout).toBe(await answerOf(site, id, mainShown))
    expect(json(result)).toMatchObject({ name: 'Renamed', env: 'staging' })
    expect(await site.vault.readSecret(`data-sources/${id}`)).toEqual({ version: 1, data: mainStored })
  })

  test('given new credentials, which leaves all others as they were', async () => {
    const args = ['update', 'Renamed', '--port', '6432', '--password', '-', '-o', 'json']
    const result = await site.dsctl(args, { stdin: 'a new MARKERpassword\n' })
    expect(result).toMatchObject({ code: 0, stderr: 'Changed: port, password.\n' })
    expect(result.stdout).toBe(await answerOf(site, id, { ...mainShown, port: 6432 }))
    const data = { ...mainStored, port: 6432, password: 'a new MARKERpassword' }
    expect(await site.vault.readSecret(`data-sources/${id}`)).toEqual({ version: 2, data })
  })

  test('given credentials and a name at once', async () => {
    const args = ['update', id, '--set-name', 'Both', '--host', 'db2.example.com', '-o', 'json']
    const result = await site.dsctl(args)
    expect(result).toMatchObject({ code: 0, stderr: 'Changed: name, host.\n' })
    expect(json(result)).toMatchObject({ name: 'Both', credentials: { host: 'db2.example.com', port: 6432 } })
    expect(await rowOf(id)).toMatchObject({ name: 'Both', env: 'staging' })
    expect(await secretOf(id)).toMatchObject({ host: 'db2.example.com', port: 6432 })
  })

  test('rid of its tunnel when that is unset, and its schema by either of its names', async () => {
    const unset = ['jump_host', 'ssh-username', 'ssh_private_key', 'schema']
    const result = await site.dsctl(['update', id, '--unset', ...unset, '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('default_schema') })
    const left = {
      host: 'db2.example.com',
      port: 6432,
      username: 'db_user',
      password: '[REDACTED]',
      database: 'main_db',
    }
    expect(result.stdout).toBe(await answerOf(site, id, left))
    expect(Object.keys((await secretOf(id)) ?? {}).sort()).toEqual(
      ['type', 'host', 'port', 'username', 'password', 'default_database'].sort(),
    )
  })

  test('back at its default when that is unset', async () => {
    const result = await site.dsctl(['update', id, '--unset', 'port', '-o', 'json'])
    expect(json(result)).toMatchObject({ credentials: { port: 5432 } })
  })

  test('updated from a request file, whose name and env are new values', async () => {
    const folder = folderWith({ 'change.yaml': 'name: From a file\nenv: production\nhost: db3.example.com\n' })
    const result = await site.dsctl(['update', id, '-f', join(folder, 'change.yaml'), '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: 'Changed: name, env, host.\n' })
    expect(json(result)).toMatchObject({
      name: 'From a file',
      env: 'production',
      credentials: { host: 'db3.example.com' },
    })
  })

  test('updated from an edited answer of get, where a mask means unchanged', async () => {
    const answer = json(await site.dsctl(['get', id, '-o', 'json']))
    answer.credentials.host = 'db4.example.com'
    answer.credentials.schemas = ['sales']
    const before = await secretOf(id)
    const result = await site.dsctl(['update', id, '-f', '-', '-o', 'json'], { stdin: JSON.stringify(answer) })
    expect(result).toMatchObject({ code: 0, stderr: 'Changed: host, default_schema.\n' })
    expect(await secretOf(id)).toEqual({ ...before, host: 'db4.example.com', default_schema: 'sales' })
  })

  test('not taken for another one by an answer of get that is not its own', async () => {
    const answer = json(await site.dsctl(['get', id, '-o', 'json']))
    const before = await everythingIn(site)
    const stdin = JSON.stringify({ ...answer, id: randomUUID(), db_type: 'mysql' })
    const result = await site.dsctl(['update', id, '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(jsonError(result).fields?.map(({ field }) => field)).toEqual(['id', 'type'])
    expect(await everythingIn(site)).toEqual(before)
  })

  test('left alone, with nothing written, by an update that changes nothing', async () => {
    const answer = await site.dsctl(['get', id, '-o', 'json'])
    const { name, env } = json(answer)
    const { records, secrets, events } = await everythingIn(site)
    for (const args of [
      ['--set-name', name, '--set-env', env],
      ['--host', 'db4.example.com'],
      ['-f', '-'],
    ]) {
      const result = await site.dsctl(['update', id, ...args, '-o', 'json'], { stdin: answer.stdout })
      expect(result).toEqual({
        code: 0,
        signal: null,
        stdout: answer.stdout,
        stderr: 'No changes: already up to date.\n',
      })
    }
    expect(await everythingIn(site)).toMatchObject({ records, secrets, events })
  })

  test('only looked at by an update with --dry-run', async () => {
    const before = await everythingIn(site)
    const args = ['update', id, '--set-name', 'Never', '--port', '7000', '--dry-run', '-o', 'json']
    const result = await site.dsctl(args)
    expect(result).toMatchObject({ code: 0, stderr: 'Would change: name, port.\n' })
    expect(json(result)).toMatchObject({ name: 'Never', credentials: { port: 7000 } })
    expect(await everythingIn(site)).toEqual(before)
  })

  test('deleted only with --yes where nobody can be asked', async () => {
    const before = await everythingIn(site)
    const result = await site.dsctl(['delete', id])
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') })
    expect(await everythingIn(site)).toEqual(before)
  })

  test('deleted: the row softly, the secret with all its versions', async () => {
    const result = await site.dsctl(['delete', 'From a file', '--yes', '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: 'Deleted From a file.\n' })
    expect(await rowOf(id)).toMatchObject({ deleted_at: expect.any(Date), updated_by: site.admin.id })
    expect(await site.vault.listSecrets('data-sources')).not.toContain(id)
  })

  test('then gone for every command, in the words for what never was', async () => {
    const never = randomUUID()
    for (const command of [['get'], ['update', '--port', '1'], ['update', '--set-name', 'x'], ['delete', '--yes']]) {
      const [verb = '', ...options] = command
      const gone = await site.dsctl([verb, id, ...options, '-o', 'json'])
      const none = await site.dsctl([verb, never, ...options, '-o', 'json'])
      expect(gone).toMatchObject({ code: 5, stdout: '' })
      expect(gone).toEqual({ ...none, stderr: none.stderr.replaceAll(never, id) })
    }
    expect(await site.dsctl(['delete', id, '--yes', '--ignore-not-found'])).toMatchObject({ code: 0, stdout: '' })
  })

  test('free to be created again under its name', async () => {
    const again = await created({ ...mainRequest, name: 'From a file' })
    expect(again.id).not.toBe(id)
    expect(await site.dsctl(['delete', again.id, '--yes'])).toMatchObject({ code: 0 })
  })
})

describe('of each type', () => {
  test.each(examples)('$title goes its whole way', async ({ type, fields, stored, shown }) => {
    const request = { name: unique(type), env: 'dev', type, ...fields }
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    const { id } = json(result)
    const whole = await answerOf(site, id, shown)
    expect(result.stdout).toBe(whole)
    expect(await secretOf(id)).toEqual(stored)
    expect(await site.dsctl(['get', request.name, '-o', 'json'])).toMatchObject({ code: 0, stdout: whole, stderr: '' })
    expect(await site.dsctl(['delete', id, '--yes'])).toMatchObject({ code: 0, stdout: '' })
    expect(await secretOf(id)).toBeUndefined()
  })

  test('every type of the registry has its example', async () => {
    const types = (await site.dsctl(['types', '-o', 'name'])).stdout.trim().split('\n')
    expect([...new Set(examples.map(({ type }) => type))].sort()).toEqual(types.sort())
  })

  test.each(examples)('the answer and the request of $title fit the schemas that types prints', async example => {
    const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, validateFormats: false })
    const request = { name: unique('Schema'), env: 'dev', type: example.type, ...example.fields }
    const requestSchema = json(await site.dsctl(['types', example.type, '-o', 'json']))
    expect(ajv.validate(requestSchema, request), ajv.errorsText()).toBe(true)
    expect(ajv.validate(requestSchema, { ...request, surplus: 1 })).toBe(false)
    const answer = await created(request)
    for (const args of [
      ['--schema', 'answer'],
      [example.type, '--schema', 'answer'],
    ]) {
      const schema = json(await site.dsctl(['types', ...args, '-o', 'json']))
      expect(ajv.validate(schema, answer), ajv.errorsText()).toBe(true)
      expect(ajv.validate(schema, { ...answer, created_by: undefined })).toBe(false)
      expect(
        ajv.validate(schema, {
          ...answer,
          credentials: { ...answer.credentials, host: 5, warehouse_id: 5, location: 5 },
        }),
      ).toBe(false)
    }
    await site.dsctl(['delete', answer.id, '--yes'])
  })

  onServers('what goes to Vault is one object that begins with its type', async () => {
    const vault = await wiretap(site.vault.addr)
    const { id } = await created({ ...mainRequest, name: unique('Wire') }, { env: { VAULT_ADDR: vault.addr } })
    const write = vault.requests.find(({ path }) => path.endsWith(`/data/data-sources/${id}`))
    expect(write?.body).toBe(JSON.stringify({ options: { cas: 0 }, data: mainStored }))
    vault.close()
  })

  test('a secret that others stored under aliases and with keys of their own is met with tolerance', async () => {
    const name = unique('Foreign')
    const id = await site.addDataSource({ name, type: 'postgres' })
    const theirs = {
      type: 'postgres',
      host: 'h',
      username: 'u',
      password: 'MARKERpassword',
      database: 'd',
      extra: 'MARKERtoken',
    }
    await site.vault.writeSecret(`data-sources/${id}`, theirs)
    const shown = { host: 'h', username: 'u', password: '[REDACTED]', database: 'd' }
    expect(json(await site.dsctl(['get', name, '-o', 'json'])).credentials).toEqual(shown)
    await site.dsctl(['update', name, '--host', 'h2'])
    const { database: _, ...rest } = theirs
    expect(await secretOf(id)).toEqual({ ...rest, host: 'h2', default_database: 'd' })
  })

  test('a record without its secret is shown with a warning, and update with all its fields repairs it', async () => {
    const name = unique('Broken')
    const id = await site.addDataSource({ name })
    const got = await site.dsctl(['get', name, '-o', 'json'])
    expect(got).toMatchObject({ code: 0, stderr: expect.stringContaining('warning') })
    expect(json(got).credentials).toBeNull()
    const some = await site.dsctl(['update', name, '--host', 'h', '-o', 'json'])
    expect(some.code).toBe(2)
    expect(jsonError(some).fields?.map(({ field }) => field)).toEqual(['username', 'password', 'default_database'])
    const all = ['--host', 'h', '--username', 'u', '--password', '-', '--default-database', 'd']
    const result = await site.dsctl(['update', name, ...all, '-o', 'json'], { stdin: 'MARKERpassword' })
    expect(result).toMatchObject({ code: 0 })
    expect(await secretOf(id)).toEqual({
      ...{ type: 'postgres', host: 'h', port: 5432, username: 'u', password: 'MARKERpassword', default_database: 'd' },
    })
  })

  test('the secret is where the record says, even if that is not its own id', async () => {
    const id = await site.addDataSource({ name: unique('Older') })
    const secretId = randomUUID()
    await site.database.query('UPDATE data_sources SET secret_id = $1 WHERE id = $2', [secretId, id])
    await site.vault.writeSecret(`data-sources/${secretId}`, plainStored)
    expect(json(await site.dsctl(['get', id, '-o', 'json'])).credentials).toMatchObject({ host: 'db.example.com' })
    await site.dsctl(['update', id, '--host', 'h2'])
    expect(await secretOf(secretId)).toMatchObject({ host: 'h2' })
    expect(await secretOf(id)).toBeUndefined()
    await site.dsctl(['delete', id, '--yes'])
    expect(await secretOf(secretId)).toBeUndefined()
  })
})

describe('list', () => {
  let other: { id: string; name: string }
  let reader: Person
  const names = Array.from({ length: 30 }, (_, at) => `Source ${String(at).padStart(2, '0')}`)
  const list = async (...args: string[]) => {
    const result = await site.dsctl(['list', ...args, '-o', 'name'], { env: reader.env, home: temporaryFolder() })
    expect(result.code, result.stderr).toBe(0)
    return result.stdout.split('\n').filter(Boolean)
  }

  beforeAll(async () => {
    const name = unique('Lister')
    other = { id: await site.addOrganization(name), name }
    // Where there is one person alone, it is that one.
    reader = ON_EMBEDDED
      ? { ...site.admin, env: { ...site.env, DSCTL_ORG: name } }
      : await site.addPerson({ email: `${randomUUID()}@example.com` })
    await site.addMember(reader.id, other.id, { role: 'viewer' })
  })

  test('of nothing is an empty array, and exit 0', async () => {
    const options = { env: reader.env, home: temporaryFolder() }
    expect(await site.dsctl(['list', '-o', 'json'], options)).toEqual({
      code: 0,
      signal: null,
      stdout: '[]\n',
      stderr: '',
    })
    const table = await site.dsctl(['list'], options)
    expect(table).toEqual({ code: 0, signal: null, stdout: '', stderr: 'No data sources.\n' })
  })

  test('shows the last changed first, 25 to a page, and says that there are more', async () => {
    for (const [at, name] of names.entries()) {
      const type = at % 3 === 0 ? 'snowflake' : 'postgres'
      const id = await site.addDataSource({ name, type, env: at < 5 ? 'prod' : 'dev', organizationId: other.id })
      // Ties, so that the id decides: three of them share each time.
      const changed = `2024-01-01T00:00:${String(Math.floor(at / 3)).padStart(2, '0')}Z`
      await site.database.query('UPDATE data_sources SET updated_at = $1 WHERE id = $2', [changed, id])
    }
    const order = await site.database.query(
      'SELECT name FROM data_sources WHERE organization_id = $1 ORDER BY updated_at DESC, id',
      [other.id],
    )
    const all = order.map(({ name }) => name)
    expect(await list()).toEqual(all.slice(0, 25))
    expect(await list('--page', '0')).toEqual(all.slice(0, 25))
    expect(await list('--page', '1')).toEqual(all.slice(25))
    expect(await list('--page', '2')).toEqual([])
    expect(await list('--page', '2', '--page-size', '7')).toEqual(all.slice(14, 21))
    expect(await list('--all')).toEqual(all)
    expect(await list('--all', '--page-size', '4')).toEqual(all)
    const first = await site.dsctl(['ls'], { env: reader.env, home: temporaryFolder() })
    expect(first.stderr).toBe('There are more: pass --page 1 or --all.\n')
    expect(first.stdout.split('\n')).toHaveLength(27)
    const past = await site.dsctl(['ls', '--page', '9'], { env: reader.env, home: temporaryFolder() })
    expect(past).toMatchObject({ code: 0, stderr: 'No data sources on page 9. The first page is 0.\n' })
  })

  test('narrows by type, env, status and part of the name', async () => {
    await site.database.query(
      `UPDATE data_sources SET onboarding_status = 'completed' WHERE organization_id = $1 AND name < 'Source 03'`,
      [other.id],
    )
    const sorted = async (...args: string[]) => (await list('--all', ...args)).sort()
    expect(await sorted('--type', 'snowflake')).toEqual(names.filter((_, at) => at % 3 === 0))
    expect(await sorted('--env', 'prod')).toEqual(names.slice(0, 5))
    expect(await sorted('--status', 'completed')).toEqual(names.slice(0, 3))
    expect(await sorted('--search', 'CE 1')).toEqual(names.slice(10, 20))
    expect(await sorted('--search', '%')).toEqual([])
    expect(await sorted('--search', '_')).toEqual([])
    expect(await sorted('--env', 'prod', '--type', 'postgres', '--status', 'notStarted')).toEqual(['Source 04'])
    expect(await sorted('--env', 'nowhere')).toEqual([])
  })

  test('leaves out what is deleted', async () => {
    await site.database.query(`UPDATE data_sources SET deleted_at = now() WHERE organization_id = $1 AND name = $2`, [
      other.id,
      'Source 29',
    ])
    expect(await list('--all')).toHaveLength(29)
    expect(await list('--search', '29')).toEqual([])
  })
})

describe('a field comes from', () => {
  const flags = ['--host', 'db.example.com', '--username', 'db_user', '--default-database', 'main_db']
  const create = (args: readonly string[], options: RunOptions = {}) => {
    const name = unique('Field')
    return site.dsctl(['create', name, '--env', 'dev', '--type', 'postgres', ...args, '-o', 'json'], options)
  }
  const passwordOf = async (args: readonly string[], options: RunOptions = {}) => {
    const result = await create([...flags, ...args], options)
    expect(result.code, result.stderr).toBe(0)
    return (await secretOf(json(result).id))?.password
  }

  test('its flag, and there is one for every field of every type', async () => {
    const help = (await site.dsctl(['create', '--help'])).stdout
    for (const { fields, stored } of examples)
      for (const name of [...Object.keys(stored), ...Object.keys(fields)].filter(
        key => key in stored && key !== 'type',
      ))
        expect(help).toContain(`--${name.replaceAll('_', '-')} <`)
    const folder = folderWith({ key: openSshKey, ca: String(examples[1]?.fields.ssl_ca) })
    const tunnel = [
      '--jump-host',
      'jump.example.com',
      '--ssh-username',
      'ssh_user',
      '--ssh-private-key',
      `@${folder}/key`,
    ]
    const more = ['--default-schema', 'public', '--port', '5432', '--ssl-mode', 'require', '--ssl-ca', `@${folder}/ca`]
    const result = await create([...flags, ...more, ...tunnel, '--password', '-'], { stdin: mainRequest.password })
    expect(result.code, result.stderr).toBe(0)
    const tls = { ssl_mode: 'require', ssl_ca: examples[1]?.fields.ssl_ca }
    expect(await secretOf(json(result).id)).toEqual({ ...mainStored, ...tls })
  })

  test('help for one type shows that type’s flags alone', async () => {
    const help = (await site.dsctl(['create', '--type', 'snowflake', '--help'])).stdout
    for (const flag of ['--account-id', '--private-key ', '--custom-host']) expect(help).toContain(flag)
    for (const flag of ['--jump-host', '--service-account-key', '--api-key', '--host <'])
      expect(help).not.toContain(flag)
  })

  test.each([
    ['JSON in a file', 'request.json', JSON.stringify({ ...mainRequest, name: undefined }, null, 2)],
    ['YAML in a file', 'request.yaml', yaml()],
    ['YAML in a file that does not say so', 'request', yaml()],
    ['YAML in a .yml file with comments', 'request.yml', `# a comment\n---\n${yaml()}`],
  ])('%s', async (_, file, text) => {
    const folder = folderWith({ [file]: text })
    const result = await site.dsctl(['create', unique('File'), '-f', join(folder, file), '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(await secretOf(json(result).id)).toEqual(mainStored)
  })

  test.each([
    ['JSON', JSON.stringify({ ...mainRequest, name: undefined })],
    ['YAML', yaml()],
  ])('%s on standard input', async (_, stdin) => {
    const result = await site.dsctl(['create', unique('Stdin'), '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(await secretOf(json(result).id)).toEqual(mainStored)
  })

  test('a flag before the file, whichever name the file has for it', async () => {
    const stdin = JSON.stringify({
      ...plainFields,
      default_database: undefined,
      database: 'file',
      env: 'file',
      type: 'postgres',
    })
    const args = ['create', unique('Flag'), '--env', 'flag', '--default-database', 'flag', '--host', 'flag.example.com']
    const result = await site.dsctl([...args, '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 0 })
    expect(json(result)).toMatchObject({
      env: 'flag',
      credentials: { database: 'flag', host: 'flag.example.com', username: 'db_user' },
    })
  })

  test('the env of a create comes from DSCTL_ENV or the profile where nothing else says it', async () => {
    const request = JSON.stringify({ ...plainFields, name: unique('Env'), type: 'postgres' })
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], {
      stdin: request,
      env: { DSCTL_ENV: 'from-env' },
    })
    expect(json(result).env).toBe('from-env')
  })

  test.each([
    ['standard input', 'a b', 'a b'],
    ['standard input with a line end', 'MARKERpassword\n', 'MARKERpassword'],
    ['standard input with a Windows line end', 'MARKERpassword\r\n', 'MARKERpassword'],
    ['standard input with spaces at both ends', '  MARKERpassword \n', '  MARKERpassword '],
    ['standard input in letters of its own', 'пароль-密码-🔑\n', 'пароль-密码-🔑'],
  ])('a secret from %s', async (_, text, expected) => {
    expect(await passwordOf(['--password', '-'], { stdin: text })).toBe(expected)
    const folder = folderWith({ secret: text })
    expect(await passwordOf(['--password', `@${folder}/secret`])).toBe(expected)
    expect(await passwordOf(['--password', '@secret'], { cwd: folder })).toBe(expected)
  })

  test('only one line end is taken off, and two are refused', async () => {
    for (const stdin of ['MARKERpassword\n\n', 'MARKER\npassword', 'MARKER\0password']) {
      const result = await create([...flags, '--password', '-'], { stdin })
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(jsonError(result).fields).toEqual([{ field: 'password', message: expect.stringMatching(/one line/) }])
    }
  })

  test('a secret from an environment variable', async () => {
    expect(await passwordOf(['--password', 'env:SALES'], { env: { SALES: 'MARKERpassword' } })).toBe('MARKERpassword')
  })

  onServers('a secret from another secret in Vault', async () => {
    await site.vault.writeSecret('data-sources/elsewhere/db', { password: 'MARKERpassword', port: 5 })
    const { mount } = site.vault
    expect(await passwordOf(['--password', `vault:${mount}/data-sources/elsewhere/db#password`])).toBe('MARKERpassword')
    expect(await passwordOf(['--password', `vault:${mount}/data-sources/elsewhere/db#port`])).toBe('5')
    for (const source of ['data-sources/none#password', 'data-sources/elsewhere/db#none']) {
      const result = await create([...flags, '--password', `vault:${mount}/${source}`])
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(source) })
    }
    await site.vault.request('DELETE', `${mount}/metadata/data-sources/elsewhere/db`)
  })

  test('a key keeps every byte, its last line end too', async () => {
    for (const key of [openSshKey, pemKey.trimEnd(), pemKey.replaceAll('\n', '\r\n'), `${pemKey}\n\n`]) {
      const folder = folderWith({ key })
      const tunnel = ['--jump-host', 'j', '--ssh-username', 'u', '--ssh-private-key', `@${folder}/key`]
      const result = await create([...flags, ...tunnel, '--password', '-'], { stdin: 'MARKERpassword' })
      expect(result.code, result.stderr).toBe(0)
      expect((await secretOf(json(result).id))?.ssh_private_key).toBe(key)
    }
  })

  test('sources in a request file: beside it, and DSCTL_SECRET_ variables', async () => {
    const request = {
      ...mainRequest,
      name: undefined,
      password: { from: 'env:DSCTL_SECRET_P' },
      ssh_private_key: { from: '@key' },
    }
    const folder = folderWith({ 'request.json': JSON.stringify(request), key: openSshKey })
    const args = ['create', unique('Sources'), '-f', join(folder, 'request.json'), '-o', 'json']
    const result = await site.dsctl(args, { env: { DSCTL_SECRET_P: ' MARKERpassword ' } })
    expect(result.code, result.stderr).toBe(0)
    expect(await secretOf(json(result).id)).toEqual(mainStored)
  })
})

function yaml(): string {
  const { ssh_private_key, name: _, ...rest } = mainRequest
  const lines = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  const block = ssh_private_key
    .trimEnd()
    .split('\n')
    .map(line => `  ${line}`)
  return [...lines, 'ssh_private_key: |', ...block, ''].join('\n')
}

describe('where the name is taken', () => {
  test('a create is a conflict that names the holder', async () => {
    const { name, id } = await plain()
    const before = await everythingIn(site)
    const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 6, stdout: '' })
    expect(jsonError(result)).toMatchObject({
      code: 'conflict',
      status: 409,
      exit_code: 6,
      message: expect.stringContaining(`${name} in env dev is taken`),
      hint: expect.stringMatching(new RegExp(`${id}.*--if-exists skip or update`)),
    })
    const { records, secrets, intents } = await everythingIn(site)
    expect({ records, secrets, intents }).toEqual({
      records: before.records,
      secrets: before.secrets,
      intents: before.intents,
    })
  })

  test('--if-exists skip leaves it as it is', async () => {
    const { name, id } = await plain()
    const before = await secretOf(id)
    const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, host: 'other' })
    const result = await site.dsctl(['create', '-f', '-', '--if-exists', 'skip', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 0, stderr: 'Already exists: skipped.\n' })
    // What went as it was told to is no failure in the audit trail.
    expect(await eventsOf(site, `outcome = 'failed' AND data_source_name = $1`, [name])).toEqual([])
    expect(json(result)).toMatchObject({ id, credentials: { host: 'db.example.com' } })
    expect(await secretOf(id)).toEqual(before)
  })

  test('--if-exists update brings it up to the request, and says where it was so already', async () => {
    const { name, id } = await plain({ default_schema: 'kept' })
    const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, host: 'other' })
    const args = ['create', '-f', '-', '--if-exists', 'update', '-o', 'json']
    const first = await site.dsctl(args, { stdin })
    expect(first).toMatchObject({ code: 0, stderr: 'Already exists: updated.\n' })
    expect(json(first)).toMatchObject({ id, credentials: { host: 'other', schemas: ['kept'] } })
    const version = await site.vault.readSecret(`data-sources/${id}`)
    expect(await site.dsctl(args, { stdin })).toMatchObject({ code: 0, stderr: 'Already exists: unchanged.\n' })
    expect(await site.vault.readSecret(`data-sources/${id}`)).toEqual(version)
  })

  test('--if-exists creates it where the name is free', async () => {
    for (const how of ['skip', 'update', 'fail']) {
      const stdin = JSON.stringify({ name: unique('Free'), env: 'dev', type: 'postgres', ...plainFields })
      const result = await site.dsctl(['create', '-f', '-', '--if-exists', how, '-o', 'json'], { stdin })
      expect(result).toMatchObject({ code: 0, stderr: '' })
    }
  })

  test('--dry-run checks a create and writes nothing', async () => {
    const { name } = await plain()
    const before = await everythingIn(site)
    const dryRun = (request: object) =>
      site.dsctl(['create', '-f', '-', '--dry-run', '-o', 'json'], { stdin: JSON.stringify(request) })
    const request = { name: unique('Dry'), env: 'dev', type: 'postgres', ...plainFields }
    expect(await dryRun(request)).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('nothing was written'),
    })
    expect(await dryRun({ ...request, name })).toMatchObject({ code: 6, stdout: '' })
    expect(await dryRun({ ...request, port: 0 })).toMatchObject({ code: 2, stdout: '' })
    expect(await everythingIn(site)).toEqual(before)
  })

  test('an update to it is a conflict, plain or with credentials, and nothing changes', async () => {
    const [one, two] = [await plain(), await plain()]
    const before = await everythingIn(site)
    for (const more of [[], ['--port', '7000']]) {
      const result = await site.dsctl(['update', one.id, '--set-name', two.name, ...more, '-o', 'json'])
      expect(result).toMatchObject({ code: 6, stdout: '' })
      expect(jsonError(result).message).toBe(`The name ${two.name} in its env is taken.`)
    }
    const { records, secrets } = await everythingIn(site)
    expect({ records, secrets }).toEqual({ records: before.records, secrets: before.secrets })
  })

  test('in another env it is free, and a name that stands in two is ambiguous without one', async () => {
    const name = unique('Twice')
    const dev = await plain({ name })
    const prod = await plain({ name, env: 'prod' })
    const before = await everythingIn(site)
    for (const [verb = '', ...options] of [
      ['get'],
      ['update', '--port', '1'],
      ['update', '--set-name', 'x'],
      ['delete', '--yes'],
    ]) {
      const result = await site.dsctl([verb, name, ...options, '-o', 'json'])
      expect(result).toMatchObject({ code: 2, stdout: '' })
      const { fields, hint } = jsonError(result)
      expect(fields).toEqual([
        { field: 'env', message: expect.stringMatching(new RegExp(`dev.*${dev.id}`)) },
        { field: 'env', message: expect.stringMatching(new RegExp(`prod.*${prod.id}`)) },
      ])
      expect(hint).toContain('--env')
    }
    const { records, secrets } = await everythingIn(site)
    expect({ records, secrets }).toEqual({ records: before.records, secrets: before.secrets })
    expect(json(await site.dsctl(['get', name, '--env', 'prod', '-o', 'json'])).id).toBe(prod.id)
    expect(json(await site.dsctl(['get', name, '-o', 'json'], { env: { DSCTL_ENV: 'dev' } })).id).toBe(dev.id)
    expect(await site.dsctl(['get', dev.id, '-o', 'id'])).toMatchObject({ stdout: `${dev.id}\n` })
    expect(await site.dsctl(['delete', name, '--env', 'dev', '--yes'])).toMatchObject({ code: 0 })
    expect(json(await site.dsctl(['get', name, '-o', 'json'])).id).toBe(prod.id)
  })
})

describe('delete', () => {
  test('of several says what became of each, and exits 8 where one failed', async () => {
    const [one, two] = [await plain(), await plain()]
    const none = randomUUID()
    const result = await site.dsctl(['delete', one.id, none, two.name, '--yes', '-o', 'json'])
    expect(result.code).toBe(8)
    expect(json(result)).toEqual([
      { ref: one.id, action: 'deleted', error: null },
      {
        ref: none,
        action: 'failed',
        error: { code: 'not_found', exit_code: 5, message: expect.stringContaining(none), hint: expect.any(String) },
      },
      { ref: two.name, action: 'deleted', error: null },
    ])
    for (const { id } of [one, two]) expect(await secretOf(id)).toBeUndefined()
    expect(jsonError(result)).toMatchObject({ code: 'unhealthy', exit_code: 8 })
  })

  test('of several with --ignore-not-found is content with what is not there', async () => {
    const { id } = await plain()
    const none = randomUUID()
    const result = await site.dsctl(['rm', none, id, '--yes', '--ignore-not-found', '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: expect.not.stringContaining('could not') })
    expect(json(result).map(({ action }: { action: string }) => action)).toEqual(['not found', 'deleted'])
  })
})

describe('output', () => {
  test('comes as table, JSON, YAML, name or id, of one and of many', async () => {
    const { id, name } = await plain({ env: 'formats' })
    const run = async (...args: string[]) => (await site.dsctl([...args, '--env', 'formats'])).stdout
    for (const args of [['get', name], ['list']]) {
      expect(await run(...args, '-o', 'id')).toBe(`${id}\n`)
      expect(await run(...args, '-o', 'name')).toBe(`${name}\n`)
      const document = JSON.parse(await run(...args, '-o', 'json'))
      expect(parse(await run(...args, '-o', 'yaml'))).toEqual(document)
      const table = await run(...args)
      expect(table).toBe(await run(...args, '--output=table'))
      for (const text of [id, name, 'formats']) expect(table).toContain(text)
      expect(table).not.toMatch(/[^\n -~]/)
    }
    expect(await run('get', name)).toMatch(/^Password +\[REDACTED\]$/m)
    expect(await run('get', name)).toMatch(/^Host +db\.example\.com$/m)
  })

  test('of create and update is the same in every format', async () => {
    for (const format of ['table', 'json', 'yaml', 'name', 'id']) {
      const request = { name: unique('Format'), env: 'dev', type: 'postgres', ...plainFields }
      const made = await site.dsctl(['create', '-f', '-', '-o', format], { stdin: JSON.stringify(request) })
      expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining(format === 'id' ? '-' : request.name) })
      expect((await site.dsctl(['get', request.name, '-o', format])).stdout).toBe(made.stdout)
      const changed = await site.dsctl(['update', request.name, '--port', '7000', '-o', format])
      expect(changed.code).toBe(0)
      expect((await site.dsctl(['get', request.name, '-o', format])).stdout).toBe(changed.stdout)
    }
  })

  test('takes its format from DSCTL_OUTPUT where no flag says it', async () => {
    const env = { DSCTL_OUTPUT: 'json' }
    expect(json(await site.dsctl(['list'], { env }))).toEqual(expect.any(Array))
    expect((await site.dsctl(['list', '-o', 'id'], { env })).stdout).not.toContain('[')
    expect(jsonError(await site.dsctl(['get', 'none'], { env }))).toMatchObject({ code: 'not_found' })
  })

  test('in a format that the answer has nothing for is refused, and a table where only a setting asks for it', async () => {
    for (const [format, ...args] of [
      ['id', 'whoami'],
      ['name', 'doctor', '--fix'],
      ['name', 'audit'],
      ['name', 'config', 'list'],
      ['id', 'config', 'profiles'],
      ['name', 'types', 'postgres'],
      ['id', 'types'],
      ['id', 'export'],
    ] as const) {
      const refused = await site.dsctl([...args, '-o', format])
      expect(refused, args.join(' ')).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(/output: must be one of table, json, yaml.*: this output has no (name|id)/)
    }
    const env = { DSCTL_OUTPUT: 'id' }
    expect((await site.dsctl(['whoami'], { env })).stdout).toMatch(/^User +/)
    expect((await site.dsctl(['config', 'list'], { env })).stdout).toMatch(/^output +id +environment DSCTL_OUTPUT$/m)
  })

  test('makes what a terminal would act on visible, in stored names and in others’ secrets', async () => {
    const id = await site.addDataSource({ name: `Bad\u001b[31m\u202ename ${randomUUID()}`, env: 'escapes' })
    await site.vault.writeSecret(`data-sources/${id}`, { ...plainStored, host: 'h\u001b]0;title\u0007' })
    for (const format of ['table', 'json', 'yaml', 'name']) {
      for (const args of [
        ['get', id],
        ['list', '--env', 'escapes'],
      ]) {
        const { code, stdout } = await site.dsctl([...args, '-o', format])
        expect(code).toBe(0)
        expect(stdout).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
      }
    }
    expect(json(await site.dsctl(['get', id, '-o', 'json'])).name).toContain('Bad\u001b[31m\u202ename')
  })
})

describe('options', () => {
  test('that are global work before and after the command’s name', async () => {
    const { id, name } = await plain({ env: 'globals' })
    const globals = [
      '--env',
      'globals',
      '-o',
      'id',
      '--org',
      site.organization.name,
      '--timeout',
      '20',
      '--no-input',
      '--no-color',
      '-q',
    ]
    for (const args of [
      [...globals, 'list'],
      ['list', ...globals],
      ['--env=globals', 'list', '--output=id', '-q'],
      [...globals, 'get', name],
      ['get', ...globals, name],
      ['get', name, '-oid', '--env', 'globals'],
    ]) {
      const result = await site.dsctl(args)
      expect(result, args.join(' ')).toEqual({ code: 0, signal: null, stdout: `${id}\n`, stderr: '' })
    }
  })

  test('-q leaves out the notes, and -v tells each call of a backend', async () => {
    const { id } = await plain()
    expect(await site.dsctl(['update', id, '--port', '7001', '-q', '-o', 'id'])).toMatchObject({
      stdout: `${id}\n`,
      stderr: '',
    })
    const { stderr, stdout } = await site.dsctl(['-v', 'get', id, '-o', 'id'])
    expect(stdout).toBe(`${id}\n`)
    expect(stderr).toMatch(/^postgres find [\d.]+ ms$/m)
    if (ON_EMBEDDED) return
    expect(stderr).toMatch(/^vault GET \/v1\/auth\/token\/lookup-self 200 [\d.]+ ms$/m)
    expect(stderr).toMatch(new RegExp(`^vault GET /v1/${site.vault.mount}/data/data-sources/${id} 200 `, 'm'))
  })

  test('--version and --help answer without any server', async () => {
    expect(await site.spawnDsctl(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
    for (const args of [['--help'], ['help'], [], ['create', '--help'], ['help', 'create'], ['config', '--help']]) {
      const result = await site.spawnDsctl(args, {
        env: { VAULT_ADDR: 'http://127.0.0.1:1', DSCTL_DATABASE_URL: undefined },
      })
      expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: dsctl'), stderr: '' })
    }
  })
})

describe('types', () => {
  test('lists the types, and the fields of one, without any server', async () => {
    const options = { env: { VAULT_ADDR: undefined, DSCTL_DATABASE_URL: undefined }, home: temporaryFolder() }
    const all = await site.dsctl(['types', '-o', 'json'], options)
    expect(json(all)).toEqual(json(all).map(({ name, label }: Record<string, string>) => ({ name, label })))
    expect(json(all)).toHaveLength(9)
    expect((await site.dsctl(['types'], options)).stdout).toMatch(/^snowflake +Snowflake$/m)
    const { stdout } = await site.dsctl(['types', 'postgres'], options)
    expect(stdout).toMatch(/^FIELD +LABEL +REQUIRED +SECRET +DEFAULT +LIMITS +ALIASES$/m)
    expect(stdout).toMatch(/^port +Port +no +no +5432 +1 to 65535/m)
    expect(stdout).toMatch(/^password +Password +yes +yes/m)
    expect(stdout).toMatch(/^default_database .*database$/m)
  })
})

describe('config', () => {
  const home = temporaryFolder
  const config = (folder: string, args: readonly string[], env: RunOptions['env'] = {}) =>
    site.dsctl(['config', ...args], {
      home: folder,
      env: {
        DSCTL_DATABASE_URL: undefined,
        VAULT_ADDR: undefined,
        DSCTL_VAULT_MOUNT: undefined,
        VAULT_TOKEN: undefined,
        DSCTL_PROFILE: undefined,
        DSCTL_ORG: undefined,
        ...env,
      },
    })

  test('sets, gets and unsets a setting of a profile', async () => {
    const folder = home()
    expect(await config(folder, ['set', 'env', 'production'])).toMatchObject({ code: 0, stdout: '' })
    expect(await config(folder, ['get', 'env'])).toMatchObject({ code: 0, stdout: 'production\n', stderr: '' })
    expect(json(await config(folder, ['get', 'env', '-o', 'json']))).toEqual({ key: 'env', value: 'production' })
    expect(await config(folder, ['unset', 'env'])).toMatchObject({ code: 0, stdout: '' })
    expect(await config(folder, ['get', 'env'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('not set'),
    })
  })

  test('list tells where each value comes from: flag, environment, profile, default', async () => {
    const folder = home()
    await config(folder, ['set', 'vault.mount', 'kv'])
    await config(folder, ['set', 'org', 'From the profile'])
    const result = await config(folder, ['list', '--env', 'e', '-o', 'json'], { DSCTL_ORG: 'From the environment' })
    const found = Object.fromEntries(json(result).map(({ key, ...rest }: { key: string }) => [key, rest]))
    expect(found).toMatchObject({
      env: { value: 'e', source: 'flag' },
      org: { value: 'From the environment', source: 'environment DSCTL_ORG' },
      'vault.mount': { value: 'kv', source: 'profile default' },
      'vault.path': { value: 'data-sources/{id}', source: 'default' },
      output: { value: 'json', source: 'flag' },
    })
    expect(found.user).toEqual({ source: 'not set' })
  })

  test('profiles are made by setting something in them, listed, and used', async () => {
    const folder = home()
    expect((await config(folder, ['profiles'])).stderr).toContain('No profiles except the built-in one')
    await config(folder, ['set', 'env', 'one'])
    expect(await config(folder, ['--profile', 'second', 'set', 'env', 'two'])).toMatchObject({ code: 0 })
    const inUse = async () => {
      const profiles: { name: string; current: boolean }[] = json(await config(folder, ['profiles', '-o', 'json']))
      return profiles.map(({ name, current }) => `${name}${current ? '*' : ''}`)
    }
    expect(await inUse()).toEqual(['default*', 'second'])
    expect(await config(folder, ['use', 'second'])).toMatchObject({ code: 0, stdout: '' })
    expect(await inUse()).toEqual(['default', 'second*'])
    expect((await config(folder, ['get', 'env'])).stdout).toBe('two\n')
    expect((await config(folder, ['get', 'env', '--profile', 'default'])).stdout).toBe('one\n')
    expect((await config(folder, ['get', 'env'], { DSCTL_PROFILE: 'default' })).stdout).toBe('one\n')
    expect(await config(folder, ['use', 'secnd'])).toMatchObject({ code: 2, stdout: '' })
    expect(await config(folder, ['list', '--profile', 'embeded'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean embedded?'),
    })
    expect(await config(folder, ['get', 'env', '--profile', 'secnd'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('second'),
    })
  })

  test('path names one file that its owner alone can read', async () => {
    const folder = home()
    await config(folder, ['set', 'env', 'x'])
    const path = (await config(folder, ['path'])).stdout.trim()
    const { statSync, readFileSync } = await import('node:fs')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8')).profiles.default).toEqual({ env: 'x' })
  })

  test('refuses a password in a database URL, an unknown setting, and a value that cannot be', async () => {
    const folder = home()
    for (const [key = '', value = '', says] of [
      ['database.url', 'postgres://u:MARKERpassword@h/d', 'PGPASSWORD'],
      ['database.url', 'postgres://u@h/d?password=MARKERpassword', 'PGPASSWORD'],
      ['database.url', 'postgres://u:5/MARKERpassword@h/d', 'PGPASSWORD'],
      ['database.url', 'host=h user=u password=MARKERpassword', 'must look like postgres://'],
      ['database.url', 'postgres:u:MARKERpassword@h/x', 'must look like postgres://'],
      ['database.url', 'postgres://h/x?PASSWORD=MARKERpassword', 'PASSWORD is not known here'],
      ['database.url', 'postgres://h/x?password%3AMARKERpassword', 'password… is not known here'],
      ['vault.addr', 'vault.example.com', 'https://'],
      ['vault.addr', 'http://h/?token=MARKERtoken', 'without ? and #'],
      ['vault.addr', 'http://MARKERtoken@h/', 'without a login'],
      ['vault.path', 'fixed', '{id}'],
      ['vault.path', 'ds?{id}', 'contain ?'],
      ['vault.mount', 'secret/data/one?', 'contain ?'],
      ['output', 'xml', 'table, json, yaml, name, id'],
      ['envv', 'x', 'Did you mean env'],
      ['vault.token', 'MARKERtoken', 'Settings: database.url,'],
    ]) {
      const result = await config(folder, ['set', key, value])
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says ?? '') })
      expect(result.stderr).not.toContain('MARKER')
    }
    expect(json(await config(folder, ['profiles', '-o', 'json']))).toEqual([])
  })

  test('shows a URL of the environment without its password', async () => {
    const env = {
      DSCTL_DATABASE_URL: 'postgres://u:MARKERpassword@h/d',
      VAULT_ADDR: 'https://u:MARKERtoken@vault.example.com',
    }
    for (const args of [['list'], ['list', '-o', 'json'], ['get', 'database.url'], ['get', 'vault.addr']]) {
      const result = await config(home(), args, env)
      expect(result.code).toBe(0)
      expect(result.stdout + result.stderr).not.toContain('MARKER')
      expect(result.stdout).toContain('[REDACTED]')
    }
    for (const url of [
      ...['host=h user=u password=MARKER', 'u:MARKER@h/x', 'postgres:u:MARKER@h/x', 'postgres://u@h/x#password=MARKER'],
      ...['postgres://h/x?sslpassword=MARKER', 'postgres://h/x?pass%77ord=MARKER', 'postgres://h/x?PASSWORD=MARKER'],
    ]) {
      expect(redactSetting('database.url', url), url).toMatch(/\[REDACTED\]$/)
      expect(redactSetting('database.url', url), url).not.toContain('MARKER')
    }
    for (const url of ['http://MARKER@h/', 'http://h/?token=MARKER', 'http://h/#MARKER', 'u:MARKER@h', 'hvs.MARKER']) {
      expect(redactSetting('vault.addr', url), url).toMatch(/^(http:\/\/\[REDACTED\]@h\/|\[REDACTED\])$/)
    }
    for (const url of ['postgres://u@h:5433/d?sslmode=require', 'postgres:///d?host=/var/run&user=u'])
      expect(redactSetting('database.url', url)).toBe(url)
  })
})

describe.skipIf(ON_EMBEDDED)('who may do what', () => {
  const of = (person: Person) => ({ env: person.env, home: temporaryFolder() })
  const person = (role: Parameters<Site['addPerson']>[0]['role']) =>
    site.addPerson({ email: `${randomUUID()}@example.com`, role })

  test.each(['viewer', 'querier', 'restricted_querier'] as const)(
    'a %s may list and get, and change nothing',
    async role => {
      const someone = of(await person(role))
      const { id, name } = await plain()
      expect(json(await site.dsctl(['list', '--search', name, '-o', 'json'], someone))).toMatchObject([{ id }])
      expect(json(await site.dsctl(['get', id, '-o', 'json'], someone)).credentials).toMatchObject({
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
        const result = await site.dsctl([...args, '-o', 'json'], { ...someone, stdin })
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
    const someone = await person('data_admin')
    const request = { name: unique('Theirs'), env: 'dev', type: 'postgres', ...plainFields }
    const answer = await created(request, of(someone))
    expect(answer.created_by).toEqual({ id: someone.id, email: someone.email, name: someone.email.split('@')[0] })
    expect(await site.dsctl(['update', answer.id, '--port', '1'], of(someone))).toMatchObject({ code: 0 })
    expect(await site.dsctl(['delete', answer.id, '--yes'], of(someone))).toMatchObject({ code: 0 })
  })

  test('another organization’s data source is not told from one that never was', async () => {
    const name = unique('Elsewhere')
    const organizationId = await site.addOrganization(unique('Elsewhere Inc'))
    const theirs = await site.addDataSource({ name, organizationId })
    await site.vault.writeSecret(`data-sources/${theirs}`, plainStored)
    const before = await everythingIn(site)
    for (const [ref, none] of [
      [theirs, randomUUID()],
      [name, unique('None')],
    ]) {
      for (const [verb = '', ...options] of [
        ['get'],
        ['update', '--port', '1'],
        ['update', '--set-name', 'x'],
        ['delete', '--yes'],
      ]) {
        const other = await site.dsctl([verb, String(ref), ...options, '-o', 'json'])
        const never = await site.dsctl([verb, String(none), ...options, '-o', 'json'])
        expect(other).toMatchObject({ code: 5, stdout: '' })
        expect(other).toEqual({ ...never, stderr: never.stderr.replaceAll(String(none), String(ref)) })
      }
    }
    const { records, secrets } = await everythingIn(site)
    expect({ records, secrets }).toEqual({ records: before.records, secrets: before.secrets })
  })

  test('an organization that one is no active member of is not told from one that is not there', async () => {
    const organization = unique('Closed')
    await site.addOrganization(organization)
    const none = unique('None')
    const closed = await site.dsctl(['list', '--org', organization, '-o', 'json'])
    const never = await site.dsctl(['list', '--org', none, '-o', 'json'])
    expect(closed).toMatchObject({ code: 5, stdout: '' })
    expect(closed).toEqual({ ...never, stderr: never.stderr.replaceAll(none, organization) })
  })

  test('only an active membership counts, and with several organizations one must be named', async () => {
    const nobody = await person(undefined)
    expect(await site.dsctl(['list'], of(nobody))).toMatchObject({ code: 4, stderr: expect.stringContaining('member') })
    const [one, two] = [unique('One'), unique('Two')]
    for (const status of ['inactive', 'pending', 'guest']) {
      const id = await site.addOrganization(unique(status))
      await site.addMember(nobody.id, id, { role: 'workspace_admin', status })
    }
    expect(await site.dsctl(['list'], of(nobody))).toMatchObject({ code: 4 })
    for (const name of [one, two]) {
      await site.addMember(nobody.id, await site.addOrganization(name), { role: 'viewer' })
    }
    const result = await site.dsctl(['list', '-o', 'json'], of(nobody))
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
      expect(await site.dsctl(['list', ...org], of(nobody))).toMatchObject({ code: 0 })
    }
  })

  test('a user whom the application does not know may do nothing', async () => {
    const token = await site.vault.userToken({ email: `${randomUUID()}@example.com` })
    const result = await site.dsctl(['list'], { env: { ...site.env, VAULT_TOKEN: token } })
    expect(result).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('no user') })
  })

  test('a token that may not read the credentials gets the rest, with a warning', async () => {
    const { id } = await plain()
    const policy = await site.vault.createPolicy('nothing', 'path "none" { capabilities = ["read"] }')
    const reader = await site.addPerson({ email: `${randomUUID()}@example.com`, role: 'viewer', policies: [policy] })
    const result = await site.dsctl(['get', id, '-o', 'json'], of(reader))
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('warning') })
    expect(result.stdout).toBe(await answerOf(site, id, null))
  })
})

describe('the audit trail', () => {
  test('tells of each change and each read who, what and how it ended, and no value of a field', async () => {
    const name = unique('Audited')
    const { id } = await plain({ name, password: samples.password })
    await site.dsctl(['get', id])
    await site.dsctl(['update', id, '--set-env', 'prod'])
    await site.dsctl(['update', id, '--port', '7000', '--password', '-'], { stdin: 'MARKERtoken' })
    const viewer = ON_EMBEDDED
      ? undefined
      : await site.addPerson({ email: `${randomUUID()}@example.com`, role: 'viewer' })
    if (viewer) await site.dsctl(['delete', id, '--yes'], { env: viewer.env, home: temporaryFolder() })
    await site.dsctl(['delete', id, '--yes'])
    const events = await eventsOf(site, 'data_source_id = $1 OR data_source_name = $2', [id, id])
    const from = { name, env: 'dev' }
    const to = { name, env: 'prod' }
    const event = { name, actor_email: site.admin.email, settled_by: null, outcome: 'done', before: null, after: null }
    expect(events).toEqual([
      { ...event, action: 'create', fields: ['host', 'port', 'username', 'password', 'default_database'], after: from },
      { ...event, action: 'get', fields: [] },
      { ...event, action: 'update', fields: ['env'], before: from, after: to },
      { ...event, action: 'update', fields: ['port', 'password'], before: to, after: to },
      ...(viewer
        ? [{ ...event, action: 'delete', fields: [], name: id, outcome: 'denied', actor_email: viewer.email }]
        : []),
      { ...event, action: 'delete', fields: [], before: to },
    ])
    const whole = JSON.stringify(await site.database.query('SELECT * FROM dsctl.audit_events'))
    for (const marker of MARKERS) expect(whole).not.toContain(marker)
    const [{ client, actor_source, actor_id, organization_id }] = await site.database.query(
      'SELECT * FROM dsctl.audit_events WHERE data_source_id = $1 LIMIT 1',
      [id],
    )
    expect(client).toMatch(/^dsctl \d+\.\d+\.\d+ on \S+$/)
    expect(actor_source).toMatch(ON_EMBEDDED ? /operating system/ : /entity/)
    expect({ actor_id, organization_id }).toEqual({ actor_id: site.admin.id, organization_id: site.organization.id })
  })

  test('does not tell of reads where audit.reads is off', async () => {
    const { id } = await plain()
    expect(await site.dsctl(['get', id], { env: { DSCTL_AUDIT_READS: 'off' } })).toMatchObject({ code: 0, stderr: '' })
    expect(await eventsOf(site, `action = 'get' AND data_source_id = $1`, [id])).toEqual([])
  })

  test('cannot be changed', async () => {
    for (const change of [
      'UPDATE dsctl.audit_events SET outcome = outcome',
      'DELETE FROM dsctl.audit_events',
      'TRUNCATE dsctl.audit_events',
    ])
      await expect(site.database.query(change)).rejects.toThrow('append-only')
  })
})
