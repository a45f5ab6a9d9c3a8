import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { APPLICATION, APPLICATION_ADMIN, type ApplicationSite, applicationSite } from '../support/application.ts'
import { creation } from '../support/requests.ts'
import { dsctl, json, jsonError, type RunOptions, type RunResult } from '../support/run.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from '../support/servers.ts'
import { grants } from '../support/site.ts'
import { everythingIn } from '../support/stored.ts'

const REQUEST = { type: 'databricks', host: 'x.example.com', api_key: 'k', warehouse_id: '1', default_catalog: 'main' }

type Runs = Pick<ApplicationSite, 'dsctl'>

async function create({ dsctl: run }: Runs, name: string, options: RunOptions = {}): Promise<RunResult> {
  const { args, stdin } = creation({ ...REQUEST, name, env: 'dev' })
  return run(args, { ...options, stdin })
}

/** Runs create, list, get, update and delete in order. Returns their results. */
async function mainJob(site: Runs, options: RunOptions = {}): Promise<(number | null)[]> {
  const name = `Job ${Math.random()}`
  const run = (args: readonly string[]) => site.dsctl(args, options)
  const results = [await create(site, name, options)]
  results.push(await run(['list', '--all', '-o', 'json']))
  results.push(await run(['get', name, '-o', 'json']))
  results.push(await run(['update', name, '--host', 'y.example.com']))
  results.push(await run(['update', name, '--set-name', `${name} 2`]))
  results.push(await run(['delete', `${name} 2`, '--yes']))
  return results.map(({ code }) => code)
}

const ALL_WELL = [0, 0, 0, 0, 0, 0]

/** Everything about the application's tables, types, constraints, indexes, triggers and functions. */
async function shapeOf({ query }: ScratchDatabase): Promise<unknown[]> {
  const schemas = `(SELECT oid FROM pg_namespace WHERE nspname NOT IN ('dsctl', 'information_schema')
    AND nspname NOT LIKE 'pg\\_%')`
  return query(`
    SELECT 'column' AS kind, c.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod)
      || ' ' || a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS what
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relnamespace IN ${schemas}
    UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace IN ${schemas}
    UNION ALL SELECT 'index', relname, pg_get_indexdef(oid) FROM pg_class WHERE relkind = 'i' AND relnamespace IN ${schemas}
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE relnamespace IN ${schemas} AND NOT tgisinternal
    UNION ALL SELECT 'policy', relname, relrowsecurity || ' ' || relacl::text FROM pg_class
    WHERE relnamespace IN ${schemas} AND relkind = 'r'
    ORDER BY 1, 2, 3`)
}

describe('On an application’s own database', () => {
  let shop: ApplicationSite

  beforeAll(async () => {
    shop = await applicationSite()
  })

  afterAll(() => shop?.drop())

  test('init adds schema dsctl and changes nothing else', async () => {
    const before = await shapeOf(shop.database)
    const first = await shop.init()
    expect(first).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('The application’s tables were not changed'),
    })
    expect((await shop.init()).stderr).toBe('Already set up. Nothing changed.\n')
    expect(before.length).toBeGreaterThan(50)
    expect(await shapeOf(shop.database)).toEqual(before)
  })

  test('the main commands work, with the application’s triggers and columns', async () => {
    expect(await mainJob(shop)).toEqual(ALL_WELL)
    const seen = await shop.database.query('SELECT what FROM notifications')
    expect(seen.map(({ what }) => what)).toEqual(['INSERT', 'UPDATE', 'UPDATE', 'UPDATE'])
  })

  test('users without a name and data sets with other columns work', async () => {
    const made = json(await create(shop, 'Named'))
    expect(made.created_by).toEqual({ id: shop.adminId, email: APPLICATION_ADMIN, name: null })
    await shop.database.query(
      `INSERT INTO datasets (id, name, data_source_id, organization_id, row_limit)
       VALUES (gen_random_uuid(), 'orders', $1, $2, 10)`,
      [made.id, shop.organizationId],
    )
    expect(json(await shop.dsctl(['get', 'Named', '-o', 'json'])).data_sets).toEqual([
      { id: expect.any(String), name: 'orders' },
    ])
  })

  test('a unique index that includes deleted rows causes a clear conflict', async () => {
    await create(shop, 'Gone')
    await shop.dsctl(['delete', 'Gone', '--yes'])
    await create(shop, 'Here')
    const before = await everythingIn(shop)
    const tries = [
      await create(shop, 'Gone'),
      await shop.dsctl(['update', 'Here', '--set-name', 'Gone', '-o', 'json']),
      await shop.dsctl(['update', 'Here', '--set-name', 'Gone', '--host', 'z.example.com', '-o', 'json']),
    ]
    for (const result of tries) {
      const error = jsonError(result)
      expect(error).toMatchObject({ exit_code: 6, code: 'conflict', message: 'The name Gone in env dev is taken.' })
      expect(error.hint).toContain('Only a deleted data source has this name')
    }
    const after = await everythingIn(shop)
    const data = (secrets: typeof after.secrets) =>
      Object.entries(secrets).map(([path, secret]) => [path, secret?.data])
    expect(after.records).toEqual(before.records)
    expect(data(after.secrets)).toEqual(data(before.secrets))
    expect(after.intents.filter(({ state }) => state !== 'closed')).toEqual([])
    const live = jsonError(await create(shop, 'Here'))
    expect(live.hint).toMatch(/^Data source \S+ has it\. /)
  })
})

describe('init on a database that does not fit', () => {
  test('lists every difference at once, and creates nothing', async () => {
    const [database, vault] = await Promise.all([scratchDatabase(), scratchVault()])
    await database.query(`${APPLICATION}
      ALTER TABLE data_sources DROP CONSTRAINT data_sources_name, DROP COLUMN onboarding_error,
        ADD COLUMN region text NOT NULL;
      ALTER TABLE users ALTER COLUMN email TYPE char(40);
      ALTER TABLE organizations ALTER COLUMN deleted_at TYPE timestamp;
      DROP TABLE datasets;
      ALTER TYPE user_organization_status_enum RENAME VALUE 'guest' TO 'visitor'`)
    const args = ['init', '--database-url', database.url, '--vault-addr', vault.addr, '--vault-mount', vault.mount]
    const error = jsonError(await dsctl([...args, '--yes', '-o', 'json'], { env: { VAULT_TOKEN: vault.rootToken } }))
    expect(error.exit_code).toBe(2)
    expect(error.fields?.map(({ message }) => message).sort()).toEqual([
      'column data_sources.onboarding_error is missing',
      'column data_sources.region is NOT NULL without a default, and dsctl does not know its value',
      'column organizations.deleted_at is timestamp without time zone, not timestamp with time zone',
      'column users.email is character, not text or character varying',
      'column users_to_organizations.status is user_organization_status_enum, which lacks the label guest',
      'data_sources has no unique index or constraint on (name, organization_id, env)',
      'table datasets is missing',
    ])
    expect(await database.query(`SELECT FROM pg_namespace WHERE nspname = 'dsctl'`)).toEqual([])
    await database.drop()
    await vault.drop()
  })
})

describe('With its tables in a schema of another name', () => {
  test('everything follows the search_path', async () => {
    const database = `"App Data", public`
    const shop = await applicationSite({
      before: `CREATE SCHEMA "App Data"; CREATE TABLE public.users (unrelated int);
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = ${database}', current_database()); END $$;
        SET search_path = ${database}`,
    })
    expect((await shop.init()).code).toBe(0)
    expect(await mainJob(shop)).toEqual(ALL_WELL)
    const schemas = await shop.database.query(
      `SELECT relnamespace::regnamespace::text AS schema FROM pg_class WHERE relname = 'data_sources'`,
    )
    expect(schemas).toEqual([{ schema: '"App Data"' }])
    await shop.drop()
  })
})

describe('With a role that has only the documented grants', () => {
  let shop: ApplicationSite
  let as: RunOptions
  let role: string

  beforeAll(async () => {
    shop = await applicationSite()
    await shop.init()
    const made = await shop.database.createRole()
    role = made.role
    await shop.database.query(grants('admin', role))
    as = { env: { DSCTL_DATABASE_URL: made.url } }
  })

  afterAll(() => shop?.drop())

  test('the main commands, audit and whoami work', async () => {
    expect(await mainJob(shop, as)).toEqual(ALL_WELL)
    expect(json(await shop.dsctl(['audit', '--all', '-o', 'json'], as)).length).toBeGreaterThan(3)
    expect((await shop.dsctl(['whoami'], as)).code).toBe(0)
    expect((await shop.dsctl(['member', 'list'], as)).code).toBe(0)
  })

  test.each([
    ['SELECT', 'organizations', 'GRANT SELECT ON organizations'],
    ['SELECT', 'users', 'GRANT SELECT ON users'],
    ['SELECT', 'users_to_organizations', 'GRANT SELECT ON users_to_organizations'],
    ['INSERT', 'data_sources', 'GRANT SELECT, INSERT, UPDATE ON data_sources'],
    ['INSERT', 'dsctl.audit_events', 'GRANT SELECT, INSERT ON dsctl.audit_events'],
    ['INSERT', 'dsctl.pending_operations', 'GRANT SELECT, INSERT, UPDATE, DELETE ON dsctl.pending_operations'],
  ])('without %s on %s create fails with the missing grant', async (privilege, table, grant) => {
    await shop.database.query(`REVOKE ${privilege} ON ${table} FROM "${role}"`)
    const error = jsonError(await create(shop, 'Refused', as))
    await shop.database.query(`GRANT ${privilege} ON ${table} TO "${role}"`)
    expect(error).toMatchObject({ code: 'forbidden', exit_code: 4, hint: expect.stringContaining(grant) })
    const { records } = await everythingIn(shop)
    expect(records.filter(({ name }) => name === 'Refused')).toEqual([])
  })

  test('a missing privilege of the application’s trigger is named as such', async () => {
    await shop.database.query('ALTER FUNCTION notify_data_source() SECURITY INVOKER')
    const error = jsonError(await create(shop, 'Refused', as))
    await shop.database.query('ALTER FUNCTION notify_data_source() SECURITY DEFINER')
    expect(error).toMatchObject({
      exit_code: 4,
      hint: expect.stringContaining('GRANT INSERT ON notifications TO your role; or ALTER FUNCTION notify_data_source'),
    })
  })

  test('member commands need two more grants', async () => {
    const add = ['member', 'add', 'nina@example.com', '--role', 'viewer', '--force', '-o', 'json']
    const refused = jsonError(await shop.dsctl(add, as))
    expect(refused).toMatchObject({
      exit_code: 4,
      hint: expect.stringMatching(/GRANT SELECT ON users.* also GRANT INSERT/),
    })
    await shop.database.query(`ALTER TABLE users ALTER COLUMN auth_subject SET DEFAULT ''; ${grants('members', role)}`)
    expect(await shop.dsctl(add, as)).toMatchObject({ code: 0 })
  })
})

describe('With row-level security', () => {
  let shop: ApplicationSite
  let as: RunOptions

  beforeAll(async () => {
    shop = await applicationSite()
    await shop.init()
    const { role, url } = await shop.database.createRole()
    as = { env: { DSCTL_DATABASE_URL: url } }
    await shop.database.query(grants('admin', role))
    await shop.database.query(`ALTER TABLE data_sources ENABLE ROW LEVEL SECURITY;
      ALTER TABLE users ENABLE ROW LEVEL SECURITY;
      DROP POLICY "${role}" ON data_sources;
      DROP POLICY "${role}" ON users;
      CREATE POLICY own ON data_sources TO "${role}" USING (organization_id = '${shop.organizationId}');
      CREATE POLICY everybody ON users FOR SELECT TO "${role}" USING (true)`)
  })

  afterAll(() => shop?.drop())

  test('the main commands work within the policies', async () => {
    expect(await mainJob(shop, as)).toEqual(ALL_WELL)
  })

  test('a row that a policy refuses is a clear error, and nothing is left', async () => {
    await shop.database.query(
      `CREATE POLICY no_dev ON data_sources AS RESTRICTIVE FOR INSERT WITH CHECK (env <> 'dev')`,
    )
    const error = jsonError(await create(shop, 'Refused', as))
    await shop.database.query('DROP POLICY no_dev ON data_sources')
    expect(error).toMatchObject({ exit_code: 4, hint: expect.stringContaining('Row-level security on data_sources') })
    const { records, secrets } = await everythingIn(shop)
    expect(records.filter(({ name }) => name === 'Refused')).toEqual([])
    expect(Object.keys(secrets)).toEqual([])
  })

  test('whoami says that a policy hides the user from the role', async () => {
    await shop.database.query('DROP POLICY everybody ON users')
    const error = jsonError(await shop.dsctl(['whoami', '-o', 'json'], as))
    expect(error).toMatchObject({ exit_code: 4, hint: expect.stringContaining('row-level security on users hides it') })
  })
})

describe('On a standby or read-only database', () => {
  let shop: ApplicationSite

  beforeAll(async () => {
    shop = await applicationSite()
    await shop.init()
    await create(shop, 'Read')
    await readOnly('on')
  })

  afterEach(() => readOnly('on'))

  afterAll(async () => {
    await readOnly('off')
    await shop?.drop()
  })

  // Sets the session too, because the embedded Postgres has a single session.
  async function readOnly(how: 'on' | 'off'): Promise<void> {
    await shop.database.query('SET default_transaction_read_only = off')
    await shop.database.query(`DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ${how}', current_database()); END $$`)
    await shop.database.query(`SET default_transaction_read_only = ${how}`)
  }

  test('get works, with a warning that it was not audited', async () => {
    const shown = await shop.dsctl(['get', 'Read', '-o', 'json'])
    expect(json(shown)).toMatchObject({ name: 'Read', credentials: { host: 'x.example.com' } })
    expect(shown.stderr).toContain('This read is not in the audit trail')
    expect((await shop.dsctl(['list'])).code).toBe(0)
  })

  test('create exits with 7 and changes nothing', async () => {
    const error = jsonError(await create(shop, 'Written'))
    expect(error).toMatchObject({
      exit_code: 7,
      outcome: 'none',
      message: expect.stringContaining('accepts no writes'),
    })
    expect(Object.keys((await everythingIn(shop)).secrets)).toHaveLength(1)
  })
})
