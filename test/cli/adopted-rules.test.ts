import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApplicationSite, applicationSite } from '../support/application.ts'
import { creation } from '../support/requests.ts'
import { json, jsonError } from '../support/run.ts'
import { everythingIn, openIntentsIn } from '../support/stored.ts'

// What the application's database does not accept: types that its enum lacks, and rows that its rules refuse.

const login = { host: 'h', username: 'u', password: 'p', default_database: 'd' }
const request = (name: string, type = 'mysql') => ({ name, env: 'dev', type, ...login })

describe('With an enum of types', () => {
  let shop: ApplicationSite

  beforeAll(async () => {
    shop = await applicationSite({
      after: `CREATE TYPE data_source_type AS ENUM ('mysql', 'postgres', 'clickhouse');
        CREATE DOMAIN env_name AS varchar CHECK (VALUE <> 'forbidden');
        ALTER TABLE data_sources ALTER COLUMN type TYPE data_source_type USING type::data_source_type,
          ALTER COLUMN env DROP DEFAULT, ALTER COLUMN env TYPE env_name;
        ALTER TYPE data_source_onboarding_status_enum RENAME TO onboarding_status`,
    })
    const prepared = await shop.init()
    expect(prepared, prepared.stderr).toMatchObject({ code: 0 })
  })
  afterAll(() => shop?.drop())

  const written = async () => {
    const { records, secrets, intents } = await everythingIn(shop)
    return { records, secrets, intents }
  }

  test('a type of the enum works in every command', async () => {
    const { args, stdin } = creation(request('Works'))
    const { id } = json(await shop.dsctl(args, { stdin }))
    const steps = [
      ['get', 'Works', '--env', 'dev'],
      ['update', 'Works', '--host', 'h2', '--set-name', 'Renamed'],
      ['update', 'Renamed', '--set-env', 'prod'],
      ['onboarding', 'Renamed', 'inProgress'],
      ['list', '--type', 'mysql', '--env', 'prod', '--status', 'inProgress'],
      ['export', '--type', 'mysql'],
      ['doctor', '--deep'],
      ['delete', id, '--yes'],
    ]
    for (const step of steps) {
      const result = await shop.dsctl(step)
      expect(result.code, `${step.join(' ')}: ${result.stderr}${result.stdout}`).toBe(0)
    }
  })

  test('a type that it lacks is refused by name before anything is written', async () => {
    const before = await written()
    const fields = ['--env', 'dev', '--type', 'redshift', '--host', 'h', '--username', 'u', '--default-database', 'd']
    for (const more of [[], ['--dry-run'], ['--if-exists', 'update']]) {
      const args = ['create', 'Refused', ...fields, '--password', '-', ...more, '-o', 'json']
      const error = jsonError(await shop.dsctl(args, { stdin: 'p' }))
      expect(error).toMatchObject({
        exit_code: 2,
        message: 'The application’s database does not accept the type redshift.',
        fields: [{ field: 'type', message: expect.stringContaining('only mysql, postgres, clickhouse') }],
      })
    }
    expect(await written()).toEqual(before)
  })

  test('a batch with such a type is refused as a whole', async () => {
    const before = await written()
    const stdin = JSON.stringify([request('A'), request('B', 'redshift'), request('C', 'mariadb')])
    for (const args of [['apply'], ['apply', '--dry-run'], ['diff']]) {
      const error = jsonError(await shop.dsctl([...args, '-f', '-', '-o', 'json'], { stdin }))
      expect(error).toMatchObject({ exit_code: 2, message: 'Invalid batch. Nothing was written.' })
      expect(error.fields?.map(({ field }) => field)).toEqual([
        expect.stringContaining('(B), type'),
        expect.stringContaining('(C), type'),
      ])
    }
    expect(await written()).toEqual(before)
  })

  test('a filter by such a type finds nothing', async () => {
    expect(json(await shop.dsctl(['list', '--type', 'snowflake', '-o', 'json']))).toEqual([])
    expect(json(await shop.dsctl(['list', '--all', '--type', 'snowflake', '-o', 'json']))).toEqual([])
    expect(json(await shop.dsctl(['export', '--type', 'snowflake', '-o', 'json']))).toEqual([])
    expect((await shop.dsctl(['test', '--type', 'snowflake'])).code).not.toBe(1)
  })

  test('a batch of many creates works', async () => {
    const stdin = JSON.stringify([...Array(30).keys()].map(n => request(`Many ${n}`)))
    expect(await shop.dsctl(['apply', '-f', '-'], { stdin })).toMatchObject({ code: 0 })
    expect(json(await shop.dsctl(['list', '--all', '--search', 'Many', '-o', 'json']))).toHaveLength(30)
  })
})

/** A rule of the application that refuses one row, and the error that dsctl reports. */
const RULES: readonly {
  title: string
  sql: string
  undo: string
  exit: number
  says: RegExp
  advises?: RegExp
}[] = [
  {
    title: 'a trigger that raises an error with a hint',
    sql: `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name LIKE 'Bad%' THEN
          RAISE EXCEPTION 'Names like % are reserved.', 'Bad' USING HINT = 'Choose a name of your team.'; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON data_sources FOR EACH ROW EXECUTE FUNCTION refuse()`,
    undo: 'DROP FUNCTION refuse CASCADE',
    exit: 2,
    says: /^Postgres refused the write: Names like Bad are reserved, in the function refuse\.$/,
    advises: /^Choose a name of your team\. /,
  },
  {
    title: 'a constraint trigger that runs at the end of the transaction',
    sql: `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name LIKE 'Bad%' THEN RAISE EXCEPTION 'refused at the end' USING ERRCODE = 'XX000'; END IF;
        RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON data_sources DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()`,
    undo: 'DROP FUNCTION refuse CASCADE',
    exit: 2,
    says: /refused at the end, in the function refuse/,
  },
  {
    title: 'a trigger that is broken',
    sql: `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name LIKE 'Bad%' THEN INSERT INTO no_such_table VALUES (NEW.id); END IF; RETURN NEW; END $$;
      CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON data_sources FOR EACH ROW EXECUTE FUNCTION refuse()`,
    undo: 'DROP FUNCTION refuse CASCADE',
    exit: 2,
    says: /relation "no_such_table" does not exist, in the function refuse/,
  },
  {
    title: 'a CHECK constraint',
    sql: `ALTER TABLE data_sources ADD CONSTRAINT good_names CHECK (name NOT LIKE 'Bad%')`,
    undo: 'ALTER TABLE data_sources DROP CONSTRAINT good_names',
    exit: 2,
    says: /violates check constraint "good_names"/,
  },
  {
    title: 'a limit of the length',
    sql: 'ALTER TABLE data_sources ALTER COLUMN name TYPE varchar(30)',
    undo: 'ALTER TABLE data_sources ALTER COLUMN name TYPE varchar',
    exit: 2,
    says: /value too long for type character varying\(30\)/,
  },
  {
    title: 'a domain',
    sql: `CREATE DOMAIN good_name AS varchar CHECK (VALUE NOT LIKE 'Bad%');
      ALTER TABLE data_sources ALTER COLUMN name TYPE good_name`,
    undo: 'ALTER TABLE data_sources ALTER COLUMN name TYPE varchar; DROP DOMAIN good_name',
    exit: 2,
    says: /domain good_name violates check constraint/,
  },
  {
    title: 'a column that must not be null',
    sql: `ALTER TABLE data_sources ADD COLUMN region text;
      UPDATE data_sources SET region = 'eu';
      ALTER TABLE data_sources ALTER COLUMN region SET NOT NULL;
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.region := CASE WHEN NEW.name NOT LIKE 'Bad%' THEN 'eu' END; RETURN NEW; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON data_sources FOR EACH ROW EXECUTE FUNCTION refuse()`,
    undo: 'ALTER TABLE data_sources DROP COLUMN region; DROP FUNCTION refuse CASCADE',
    exit: 2,
    says: /null value in column "region" of relation "data_sources" violates not-null constraint/,
  },
  {
    title: 'a foreign key',
    sql: `CREATE TABLE reserved (name varchar PRIMARY KEY);
      ALTER TABLE data_sources ADD COLUMN reserved varchar GENERATED ALWAYS AS
        (CASE WHEN name LIKE 'Bad%' THEN name END) STORED REFERENCES reserved`,
    undo: 'ALTER TABLE data_sources DROP COLUMN reserved; DROP TABLE reserved',
    exit: 6,
    says: /violates foreign key constraint "data_sources_reserved_fkey"/,
  },
  {
    title: 'an exclusion constraint',
    sql: `ALTER TABLE data_sources ADD CONSTRAINT one_bad
        EXCLUDE USING btree ((CASE WHEN name LIKE 'Bad%' OR name = 'Holder' THEN 'bad' END) WITH =)`,
    undo: 'ALTER TABLE data_sources DROP CONSTRAINT one_bad',
    exit: 6,
    says: /exclusion constraint "one_bad"/,
  },
  {
    title: 'a unique index on other columns',
    sql: `CREATE UNIQUE INDEX one_bad ON data_sources ((CASE WHEN name LIKE 'Bad%' OR name = 'Holder' THEN 'bad' END))`,
    undo: 'DROP INDEX one_bad',
    exit: 6,
    says: /^The unique index one_bad of data_sources refused the write\.$/,
  },
]

describe('With a rule that refuses a row', () => {
  let shop: ApplicationSite

  beforeAll(async () => {
    shop = await applicationSite()
    await shop.init()
    for (const name of ['Holder', 'Present']) await created(name)
  })
  afterAll(() => shop?.drop())

  async function created(name: string): Promise<string> {
    const { args, stdin } = creation(request(name))
    const result = await shop.dsctl(args, { stdin })
    expect(result, result.stderr).toMatchObject({ code: 0 })
    return json(result).id
  }

  const badName = () => `Bad ${randomUUID()}`

  /** Records and current secrets. A rolled-back update leaves newer versions with the same content. */
  async function contents() {
    const { records, secrets } = await everythingIn(shop)
    return { records, secrets: Object.entries(secrets).map(([path, secret]) => [path, secret?.data]) }
  }

  test.each(RULES)('$title: every change is rolled back and explained', async ({ sql, undo, exit, says, advises }) => {
    await shop.database.query(sql)
    const before = await contents()
    const create = creation(request(badName()))
    for (const [args, stdin] of [
      [create.args, create.stdin],
      [['update', 'Present', '--set-name', badName(), '-o', 'json'], undefined],
      [['update', 'Present', '--set-name', badName(), '--host', 'h2', '-o', 'json'], undefined],
    ] as const) {
      const result = await shop.dsctl(args, stdin === undefined ? {} : { stdin })
      const error = jsonError(result)
      expect(error, args.join(' ')).toMatchObject({ exit_code: exit, message: expect.stringMatching(says) })
      expect(error.hint).toMatch(advises ?? /Change the request, or ask the owner of the database\./)
      expect(result.stderr).not.toMatch(/bug|\n +at /)
    }
    const good = `Good ${randomUUID().slice(0, 8)}`
    const bad = badName()
    const batch = JSON.stringify([request(good), request(bad)])
    const applied = await shop.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin: batch })
    expect(applied.code, applied.stderr).toBe(8)
    expect(json(applied)).toMatchObject([
      { name: good, action: 'created' },
      { name: bad, action: 'failed', error: { message: expect.stringMatching(says) } },
    ])
    expect(await shop.dsctl(['delete', good, '--yes'])).toMatchObject({ code: 0 })
    expect(await openIntentsIn(shop)).toEqual([])
    await shop.database.query(`DELETE FROM data_sources WHERE name = '${good}'`)
    expect(await contents()).toEqual(before)
    await shop.database.query(undo)
  })

  test('a trigger that refuses a delete or an onboarding step is explained', async () => {
    await shop.database.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'data sources are frozen' USING ERRCODE = 'check_violation'; END $$;
      CREATE TRIGGER refuse BEFORE UPDATE ON data_sources FOR EACH ROW EXECUTE FUNCTION refuse()`)
    const before = await contents()
    for (const args of [
      ['delete', 'Present', '--yes'],
      ['onboarding', 'Present', 'inProgress'],
    ]) {
      const error = jsonError(await shop.dsctl([...args, '-o', 'json']))
      expect(error).toMatchObject({ exit_code: 2, message: expect.stringContaining('data sources are frozen') })
    }
    expect(await contents()).toEqual(before)
    expect(await openIntentsIn(shop)).toEqual([])
    await shop.database.query('DROP FUNCTION refuse CASCADE')
  })
})

describe('With a column for who has removed a member', () => {
  test('member remove fills it, as the application requires', async () => {
    const shop = await applicationSite({
      after: `ALTER TABLE users_to_organizations ADD COLUMN deleted_by uuid REFERENCES users,
          ADD CONSTRAINT remover CHECK ((deleted_at IS NULL) = (deleted_by IS NULL));
        ALTER TABLE users ALTER COLUMN auth_subject SET DEFAULT ''`,
    })
    await shop.init()
    const member = (...args: string[]) => shop.dsctl(['member', ...args, '--force'])
    expect(await member('add', 'nina@example.com', '--role', 'viewer')).toMatchObject({ code: 0 })
    const removed = await member('remove', 'nina@example.com', '--yes')
    expect(removed, removed.stderr).toMatchObject({ code: 0 })
    const rows = await shop.database.query(
      'SELECT deleted_by, updated_by FROM users_to_organizations WHERE deleted_at IS NOT NULL',
    )
    expect(rows).toEqual([{ deleted_by: shop.adminId, updated_by: shop.adminId }])
    expect(await member('add', 'nina@example.com', '--role', 'viewer')).toMatchObject({ code: 0 })
    await shop.drop()
  })
})
