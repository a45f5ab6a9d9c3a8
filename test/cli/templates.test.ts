import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { createEmbeddedSite } from '../support/embedded-site.ts'
import { creation, folderWith } from '../support/requests.ts'
import { json, jsonError, type RunOptions } from '../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'
import { eventsOf, everythingIn, livePairs } from '../support/stored.ts'
import { terminal } from '../support/terminal.ts'
import { certificate, fingerprint } from '../unit/source-types/samples.ts'

// Templates are presets of plain fields. Admins keep them; create, apply and diff use them.

const SECRET = 'MARKERpassword'
let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const run = (args: readonly string[], options?: RunOptions) => site.dsctl([...args, '-o', 'json'], options)
const set = (name: string, ...args: string[]) => run(['template', 'set', name, '--type', 'postgres', ...args])
const events = (action: string) =>
  eventsOf(site, `action = $1`, [action]).then(found =>
    found.map(({ outcome, fields, before, after }) => ({ outcome, fields, before, after })),
  )

describe('template', () => {
  test('set creates, leaves unchanged, or replaces a template', async () => {
    const made = await set('Shop', '--host', 'db.example.com', '--port', '6432', '--ssl-mode', 'require')
    expect(made.code, made.stderr).toBe(0)
    expect(json(made)).toEqual({
      name: 'Shop',
      type: 'postgres',
      fields: { host: 'db.example.com', port: 6432, ssl_mode: 'require' },
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    const again = await set('Shop', '--host', 'db.example.com', '--port', '6432', '--ssl-mode', 'require')
    expect(again).toMatchObject({ code: 0, stdout: made.stdout })
    expect(JSON.parse(again.stderr)).toEqual({ notes: ['No changes: already up to date.'] })
    const other = await run(['template', 'set', ' Shop ', '--type', 'mysql', '--host', 'db.example.com'])
    expect(json(other)).toMatchObject({ name: 'Shop', type: 'mysql', fields: { host: 'db.example.com' } })
    expect(json(await run(['template', 'list']))).toEqual([json(other)])
    expect(await events('template set')).toEqual([
      {
        outcome: 'done',
        fields: ['host', 'port', 'ssl_mode'],
        before: null,
        after: { template: 'Shop', type: 'postgres' },
      },
      {
        outcome: 'done',
        fields: ['port', 'ssl_mode'],
        before: { template: 'Shop', type: 'postgres' },
        after: { template: 'Shop', type: 'mysql' },
      },
    ])
  })

  test('get and list print templates in every format', async () => {
    await set('Formats', '--host', 'f.example.com', '--port', '6432', '--default-schema', 'public')
    const shown = async (...args: string[]) => (await site.dsctl(['template', ...args])).stdout
    expect(await shown('get', 'Formats', '-o', 'name')).toBe('Formats\n')
    expect(await shown('get', 'Formats')).toMatch(/Name +Formats\nType +postgres\nhost +f\.example\.com\nport +6432\n/)
    expect(await shown('get', 'Formats', '-o', 'yaml')).toContain('fields:\n  host: f.example.com\n  port: 6432\n')
    expect(await shown('list')).toMatch(/NAME +TYPE +FIELDS +UPDATED\nFormats +postgres +host, port, default_schema/)
    expect(await shown('list', '-o', 'name')).toContain('Formats\n')
    for (const command of [['list'], ['get', 'Formats'], ['set', 'Formats', '--type', 'mysql']]) {
      const refused = await site.dsctl(['template', ...command, '-o', 'id'])
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('this output has no id') })
    }
    expect(await shown('get', 'Formats')).toContain('postgres')
    expect(json(await run(['template', 'list']))).toContainEqual(json(await run(['template', 'get', 'Formats'])))
  })

  test('every plain field of a type is stored unchanged', async () => {
    const ssh = ['--jump-host', 'jump.example.com', '--ssh-port', '2222', '--ssh-username', 'u', '--ssh-host-key']
    const files = folderWith({ 'ca.pem': certificate })
    const tls = ['--ssl-mode', 'verify-full', '--ssl-ca', `@${files}/ca.pem`, '--max-connections', '5']
    const all = await set('All', ...ssh, fingerprint, ...tls)
    expect(all.code, all.stderr).toBe(0)
    expect(json(all).fields).toEqual({
      ...{ jump_host: 'jump.example.com', ssh_username: 'u', ssh_port: 2222, ssh_host_key: fingerprint },
      ...{ ssl_mode: 'verify-full', ssl_ca: certificate, max_connections: 5 },
    })
  })

  test('delete removes a template, and suggests a name if it is unknown', async () => {
    await set('Going', '--host', 'g.example.com')
    expect(await site.dsctl(['template', 'delete', 'Going'])).toMatchObject({ code: 0, stdout: '' })
    await set('Staying', '--host', 'g.example.com')
    const gone = await run(['template', 'delete', 'stayingg'])
    expect(gone.code).toBe(5)
    expect(jsonError(gone)).toMatchObject({
      message: 'There is no template stayingg.',
      hint: 'Did you mean Staying?',
    })
    const none = await run(['template', 'get', 'Something else'])
    expect(jsonError(none)).toMatchObject({ exit_code: 5, hint: 'Run dsctl template list to see them.' })
    expect(await events('template delete')).toEqual([
      { outcome: 'done', fields: [], before: { template: 'Going', type: 'postgres' }, after: null },
      { outcome: 'failed', fields: [], before: { template: 'stayingg' }, after: null },
    ])
  })

  test.each([
    ['--password', SECRET],
    ['--password', 'env:KEY'],
    ['--password', '-'],
    ['--ssh-private-key', 'env:KEY'],
    ['--ssh-private-key-passphrase', `${SECRET}!`],
  ])('refuses the secret of %s %s, without repeating it', async (flag, value) => {
    const before = await templates()
    const result = await site.dsctl(
      ['template', 'set', 'Secret', '--type', 'postgres', '--host', 'h', flag, value, '-o', 'json'],
      { env: { KEY: SECRET }, stdin: SECRET },
    )
    expect(result.code).toBe(2)
    const field = flag.slice(2).replaceAll('-', '_')
    expect(jsonError(result).fields).toEqual([{ field, message: 'is secret: a template must not contain secrets' }])
    expect(result.stderr).not.toContain(SECRET)
    expect(await templates()).toEqual(before)
  })

  test('reports all fields that are invalid, unknown or contain a secret at once', async () => {
    const before = await templates()
    const wrong = ['--port', 'x', '--warehouse-id', '1', '--default-database', `postgres://u:${SECRET}@h/db`]
    const result = await set('Wrong', ...wrong, '--password', SECRET)
    const fields = jsonError(result).fields?.map(({ field }) => field)
    expect([result.code, fields]).toEqual([2, ['password', 'port', 'warehouse_id', 'default_database']])
    expect(result.stderr).not.toContain(SECRET)
    expect((await run(['template', 'set', 'Wrong', '--type', 'postgress'])).stderr).toContain('did you mean')
    expect((await run(['template', 'set', ' ', '--type', 'postgres'])).code).toBe(2)
    expect((await run(['template', 'set', 'Wrong'])).stderr).toContain('--type')
    expect(await templates()).toEqual(before)
  })

  const templates = () => site.database.query('SELECT * FROM dsctl.templates ORDER BY name')
})

describe('create with a template', () => {
  const pair = async (name: string) => (await livePairs(site)).find(each => each.name === name)
  const given = ['--env', 'dev', '--username', 'u', '--password', 'env:KEY', '--default-database', 'd']
  const create = (name: string, ...args: string[]) =>
    run(['create', name, '--template', 'Base', ...given, ...args], { env: { KEY: SECRET } })

  beforeAll(async () => {
    const made = await set('Base', '--host', 'base.example.com', '--port', '6432', '--default-database', 'base')
    expect(made.code, made.stderr).toBe(0)
  })

  test('uses its type and fields, and flags override them', async () => {
    const result = await create('By flag', '--port', '7000')
    expect(result.code, result.stderr).toBe(0)
    expect(json(result)).toMatchObject({ db_type: 'postgres', credentials: { host: 'base.example.com', port: 7000 } })
    expect((await pair('By flag'))?.secret).toEqual({
      ...{ type: 'postgres', host: 'base.example.com', port: 7000, username: 'u' },
      ...{ password: SECRET, default_database: 'd' },
    })
  })

  test('can be named in a request file, whose fields override it', async () => {
    const request = { name: 'By file', env: 'dev', template: 'Base', username: 'u', password: SECRET, database: 'own' }
    const { args, stdin } = creation(request)
    const result = await site.dsctl(args, { stdin })
    expect(result.code, result.stderr).toBe(0)
    expect((await pair('By file'))?.secret).toMatchObject({ port: 6432, default_database: 'own' })
    await set('Other', '--host', 'other.example.com', '--default-database', 'other')
    const flagged = await site.dsctl([...args, '--template', 'Other'], {
      stdin: JSON.stringify({ ...request, name: 'By both' }),
    })
    expect(flagged.code, flagged.stderr).toBe(0)
    expect((await pair('By both'))?.secret).toMatchObject({ host: 'other.example.com', default_database: 'own' })
  })

  test('is refused if it is unknown, invalid or of another type', async () => {
    const before = await everythingIn(site)
    const other = await create('Other type', '--type', 'mysql')
    expect(jsonError(other)).toMatchObject({
      exit_code: 2,
      fields: [{ field: 'template', message: 'Base is for postgres, not for mysql' }],
    })
    const near = await run(['create', 'X', '--template', 'Bass', ...given], { env: { KEY: SECRET } })
    expect(jsonError(near)).toMatchObject({ exit_code: 5, hint: 'Did you mean Base?' })
    const request = { name: 'X', env: 'dev', template: 3 }
    const number = await site.dsctl(creation(request).args, creation(request))
    expect(jsonError(number).fields?.[0]).toEqual({ field: 'template', message: 'must be a string: quote it' })
    expect(await everythingIn(site)).toEqual(before)
  })

  test('still reports missing fields', async () => {
    const result = await run(['create', 'Missing', '--env', 'dev', '--template', 'Base'])
    expect(jsonError(result)).toMatchObject({
      exit_code: 2,
      hint: 'Missing: --username, --password.',
    })
  })

  test('at a terminal asks only for the other fields', async () => {
    const args = ['create', 'Asked', '--env', 'dev', '--template', 'Base']
    const screen = terminal(args, { env: site.env, home: site.home })
    await screen.waitFor('Username')
    screen.type('typed\n')
    await screen.waitFor('Password')
    screen.type(`${SECRET}\n`)
    for (let asked = ''; !asked.includes('Save this data source?'); ) {
      asked = await screen.waitFor(/\?[^\n]*(\(y\/N\)|Default schema|Save this data source\?)/)
      screen.press('enter')
    }
    expect((await screen.exit).code).toBe(0)
    expect(screen.text()).not.toContain('Which type')
    expect(screen.text()).not.toContain(SECRET)
    expect((await pair('Asked'))?.secret).toMatchObject({ host: 'base.example.com', username: 'typed' })
  })

  test('a secret that others put in a template is neither shown nor used', async () => {
    const fields = JSON.stringify({ host: 'h', password: SECRET, surplus: SECRET })
    await site.database.query(
      `INSERT INTO dsctl.templates (organization_id, name, type, fields) VALUES ($1, 'Planted', 'postgres', $2)`,
      [site.organization.id, fields],
    )
    const shown = await run(['template', 'get', 'Planted'])
    expect(json(shown).fields).toEqual({ host: 'h', password: '[REDACTED]' })
    const used = await run(['create', 'Planted', '--template', 'Planted', ...given], { env: { KEY: 'k' } })
    expect(used.code).toBe(2)
    expect(jsonError(used).fields?.map(({ field }) => field)).toEqual(['password', 'surplus'])
    const listed = await run(['template', 'list'])
    expect(shown.stdout + used.stderr + listed.stdout).not.toContain(SECRET)
    await site.database.query(`DELETE FROM dsctl.templates WHERE name = 'Planted'`)
  })

  test('the audit trail has the changes of templates', async () => {
    const shown = json(await run(['audit', '--action', 'template set']))
    expect(shown[0]).toMatchObject({ action: 'template set', outcome: 'done', after: { type: 'postgres' } })
    for (const [action, name] of [
      ['template set', shown[0].after.template],
      ['template delete', '[^ ]'],
    ]) {
      const table = await site.dsctl(['audit', '--action', action])
      expect(table.stdout).toMatch(new RegExp(`${action} +(done|failed) +${name}`))
    }
  })
})

describe('apply and diff with templates', () => {
  const request = (name: string, more: object = {}) => ({
    ...{ name, env: 'batch', template: 'Batch', username: 'u', password: SECRET, default_database: 'd' },
    ...more,
  })
  const batch = (verb: string, requests: unknown) => run([verb, '-f', '-'], { stdin: JSON.stringify(requests) })

  beforeAll(async () => {
    await set('Batch', '--host', 'batch.example.com', '--port', '6432')
  })

  test('each request uses its template, with one look-up for all', async () => {
    const requests = [
      request('A'),
      request('B', { port: 1 }),
      request('C', { template: undefined, type: 'mysql', host: 'c' }),
    ]
    expect((await batch('diff', requests)).code).toBe(9)
    const applied = await site.dsctl(['apply', '-f', '-', '--verbose'], { stdin: JSON.stringify(requests) })
    expect(applied.code, applied.stderr).toBe(0)
    expect(applied.stderr.match(/postgres template find/g)).toHaveLength(1)
    const pairs = (await livePairs(site)).filter(({ env }) => env === 'batch')
    expect(pairs.map(({ secret }) => [secret?.host, secret?.port])).toEqual([
      ['batch.example.com', 6432],
      ['batch.example.com', 1],
      ['c', 3306],
    ])
    expect((await batch('diff', requests)).code).toBe(0)
    await set('Batch', '--host', 'moved.example.com', '--port', '6432')
    const changed = await batch('diff', requests)
    expect(json(changed).map(({ name }: { name: string }) => name)).toEqual(['A', 'B'])
    await set('Batch', '--host', 'batch.example.com', '--port', '6432')
  })

  test('missing templates exit with 5, together with other problems with 2', async () => {
    const before = await everythingIn(site)
    const missing = [request('A'), request('D', { template: 'Btach' }), request('E', { template: 'None such' })]
    const result = await batch('apply', missing)
    expect(result.code).toBe(5)
    expect(jsonError(result).fields).toEqual([
      { field: 'Standard input, request 2 (D), template', message: 'there is no template Btach; did you mean Batch?' },
      { field: 'Standard input, request 3 (E), template', message: 'there is no template None such' },
    ])
    const wrong = [...missing, request('F', { type: 'mysql' }), request('G', { port: 'x' })]
    const both = await batch('apply', wrong)
    expect([both.code, jsonError(both).fields?.length]).toEqual([2, 4])
    expect(both.stderr).not.toContain(SECRET)
    expect(await everythingIn(site)).toEqual(before)
  })
})

describe.skipIf(ON_EMBEDDED)('of another organization', () => {
  test('a template looks like a missing one, and its name is free', async () => {
    const other = await site.addOrganization('Globex')
    const bob = await site.addPerson({ email: 'bob@example.com' })
    await site.addMember(bob.id, other, { role: 'workspace_admin' })
    await set('Ours', '--host', 'ours.example.com')
    const asBob = (...args: string[]) => run(['template', ...args, '--org', 'Globex'], { env: bob.env })
    for (const verb of ['get', 'delete']) {
      const [ours, none] = [await asBob(verb, 'Ours'), await asBob(verb, 'Nobody')]
      expect(ours.code).toBe(5)
      expect(ours.stderr.replaceAll('Ours', 'Nobody')).toBe(none.stderr)
    }
    expect(json(await asBob('list'))).toEqual([])
    expect((await asBob('set', 'Ours', '--type', 'mysql')).code).toBe(0)
    expect(json(await run(['template', 'get', 'Ours']))).toMatchObject({ type: 'postgres' })
    const found = await site.database.query(`SELECT count(*)::int AS n FROM dsctl.templates WHERE name = 'Ours'`)
    expect(found).toEqual([{ n: 2 }])
  })

  test('of two concurrent changes one wins, and both are audited', async () => {
    const both = await Promise.all(['1', '2'].map(port => set('Contended', '--port', port)))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const rows = await site.database.query(`SELECT fields FROM dsctl.templates WHERE name = 'Contended'`)
    expect(rows).toHaveLength(1)
    const events = await eventsOf(site, `after->>'template' = 'Contended'`)
    expect(events.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
  })

  test('a missing grant on the templates is named in the hint', async () => {
    const { role, url } = await site.database.createRole()
    await site.database.query(`GRANT USAGE ON SCHEMA dsctl TO "${role}"`)
    const tables = 'organizations, users, users_to_organizations, dsctl.audit_events'
    await site.database.query(`GRANT SELECT, INSERT ON ${tables} TO "${role}"`)
    const result = await run(['template', 'list'], { env: { DSCTL_DATABASE_URL: url } })
    expect(jsonError(result)).toMatchObject({ exit_code: 4, hint: expect.stringContaining('ON dsctl.templates TO') })
  })
})

describe.skipIf(ON_EMBEDDED || !ALL_CASES)('on the embedded profile', () => {
  test('templates work in the same way', async () => {
    const local = await createEmbeddedSite()
    const embedded = (args: string[], options?: RunOptions) => local.dsctl([...args, '-o', 'json'], options)
    const made = await embedded(['template', 'set', 'Local', '--type', 'postgres', '--host', 'l', '--port', '6432'])
    expect(made.code, made.stderr).toBe(0)
    const more = { template: 'Local', env: 'dev', username: 'u', password: SECRET, default_database: 'd' }
    const created = await embedded(['create', '-f', '-'], { stdin: JSON.stringify({ name: 'One', ...more }) })
    expect(json(created)).toMatchObject({ credentials: { host: 'l', port: 6432 } })
    expect(json(await embedded(['template', 'list']))).toEqual([json(made)])
    expect((await embedded(['template', 'delete', 'Local'])).code).toBe(0)
    await local.drop()
  }, 120_000)
})
