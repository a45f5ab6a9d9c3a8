import { openAsBlob } from 'node:fs'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { inject } from 'vitest'
import { postgresSetup } from '../../src/postgres/schema/setup.ts'
import type { Database } from '../../src/postgres/schema/tables.ts'
import { type PgliteServer, pgliteServer } from './pglite-server.ts'

// Starting a PGlite takes most of a second of CPU time and half a gigabyte of memory. So each worker keeps the ones that
// it has started, and empties them between two uses.

type Content = 'nothing' | 'tables'

const idle: { readonly server: PgliteServer; readonly content: Content }[] = []
const MAX_IDLE = 2

/** What the catalog is when a database has this content, and no more. */
const catalogs: Partial<Record<Content, string>> = {}

/** A PGlite without rows: with the tables that `dsctl init` makes, or with nothing. */
export async function takePglite({ tables }: { tables: boolean }): Promise<PgliteServer> {
  const wanted = tables ? 'tables' : 'nothing'
  const fitting = idle.findIndex(({ content }) => content === wanted)
  const [found] = idle.splice(Math.max(fitting, 0), 1)
  if (found?.content === wanted) return found.server
  const server = found && (await isClean(found.server, 'nothing')) ? found.server : await start()
  if (tables) await makeTables(server)
  return server
}

/** Ends its connections and removes everything that was written, or closes it if something remains. */
export async function givePgliteBack(server: PgliteServer): Promise<void> {
  await server.disconnect()
  for (const content of ['tables', 'nothing'] as const) {
    if (idle.length < MAX_IDLE && (await isClean(server, content))) return void idle.push({ server, content })
  }
  await server.close()
}

async function start(): Promise<PgliteServer> {
  const server = await pgliteServer(await openAsBlob(inject('pgliteData')))
  catalogs.nothing ??= await catalogOf(server)
  return server
}

async function makeTables(server: PgliteServer): Promise<void> {
  server.rename('tables')
  const pool = new pg.Pool({ connectionString: `postgres://postgres@127.0.0.1:${server.port}/tables`, max: 1 })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  await postgresSetup(db).prepare('empty')
  await db.destroy()
  catalogs.tables ??= await catalogOf(server)
}

/** Removes what is not of this content. Returns false if something remains. */
async function isClean(server: PgliteServer, content: Content): Promise<boolean> {
  try {
    if (catalogs[content] === undefined) return false
    await server.query('RESET SESSION AUTHORIZATION')
    await server.query('DISCARD ALL')
    await server.query(DROP_ROLES)
    if (content === 'nothing') await server.query(DROP_SCHEMAS)
    if ((await catalogOf(server)) !== catalogs[content]) return false
    if (content === 'tables') await server.query(DELETE_ROWS)
    return true
  } catch {
    return false
  }
}

const DROP_ROLES = `
  DO $$ DECLARE r text; BEGIN
    FOR r IN SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres' LOOP
      EXECUTE format('REASSIGN OWNED BY %I TO postgres', r);
      EXECUTE format('DROP OWNED BY %I CASCADE', r);
    END LOOP;
    FOR r IN SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres' LOOP
      EXECUTE format('DROP ROLE %I', r);
    END LOOP;
  END $$`

/** Keeps Kysely's migration tables. A replica runs no triggers, which would refuse to truncate the audit trail. */
const DELETE_ROWS = `
  SET session_replication_role = replica;
  DO $$ DECLARE t text; BEGIN
    SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') INTO t FROM pg_tables
      WHERE schemaname IN ('public', 'dsctl') AND tablename !~ '^migration';
    EXECUTE 'TRUNCATE ' || t || ' RESTART IDENTITY CASCADE';
  END $$;
  RESET session_replication_role`

const DROP_SCHEMAS = `
  DO $$ DECLARE s text; BEGIN
    FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
      EXECUTE format('DROP SCHEMA %I CASCADE', s);
    END LOOP;
  END $$;
  CREATE SCHEMA public AUTHORIZATION pg_database_owner;
  GRANT USAGE ON SCHEMA public TO PUBLIC;
  COMMENT ON SCHEMA public IS 'standard public schema'`

/** Everything in a catalog that a test may change, so that two can be compared. */
async function catalogOf(server: PgliteServer): Promise<string> {
  const [row] = await server.query(CATALOG)
  return String(row?.catalog)
}

const SCHEMAS = `(SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast|catalog)' AND nspname <> 'information_schema')`
const acl = (column: string, kind: string, owner: string) =>
  `(SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(coalesce(${column}, acldefault('${kind}', ${owner}))) a)`

const CATALOG = `
  SELECT string_agg(line, E'\\n' ORDER BY line) AS catalog FROM (
    SELECT concat_ws(' ', 'schema', nspname, nspowner::regrole, ${acl('nspacl', 'n', 'nspowner')}) AS line
      FROM pg_namespace WHERE oid IN ${SCHEMAS}
    UNION ALL SELECT concat_ws(' ', 'relation', oid::regclass, relkind, relowner::regrole, relrowsecurity,
        relforcerowsecurity, relpersistence, reloptions, ${acl('relacl', 'r', 'relowner')})
      FROM pg_class WHERE relnamespace IN ${SCHEMAS} AND relkind <> 'S'
    UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attnum, attname, atttypid::regtype, atttypmod,
        attnotnull, attisdropped, nullif(attacl, '{}'), pg_get_expr(adbin, adrelid))
      FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
      WHERE relnamespace IN ${SCHEMAS} AND attnum > 0
    UNION ALL SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname IN ('public', 'dsctl')
    UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace IN ${SCHEMAS}
    UNION ALL SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'policy', p::text) FROM pg_policies p
    UNION ALL SELECT concat_ws(' ', 'label', enumtypid::regtype, enumlabel) FROM pg_enum
    UNION ALL SELECT concat_ws(' ', 'type', oid::regtype, typowner::regrole)
      FROM pg_type WHERE typnamespace IN ${SCHEMAS} AND typelem = 0
    UNION ALL SELECT concat_ws(' ', 'function', oid::regprocedure, prosrc, ${acl('proacl', 'f', 'proowner')})
      FROM pg_proc WHERE pronamespace IN ${SCHEMAS}
    UNION ALL SELECT concat_ws(' ', 'database', datname, ${acl('datacl', 'd', 'datdba')}) FROM pg_database
    UNION ALL SELECT concat_ws(' ', 'setting', setdatabase, setrole, setconfig) FROM pg_db_role_setting
    UNION ALL SELECT concat_ws(' ', 'default', defaclrole, defaclnamespace, defaclacl) FROM pg_default_acl
    UNION ALL SELECT concat_ws(' ', 'event trigger', evtname) FROM pg_event_trigger
    UNION ALL SELECT concat_ws(' ', 'extension', extname) FROM pg_extension
    UNION ALL SELECT concat_ws(' ', 'language', lanname) FROM pg_language
    UNION ALL SELECT concat_ws(' ', 'role', rolname, rolsuper, rolconfig) FROM pg_roles WHERE rolname !~ '^pg_'
  ) lines`
