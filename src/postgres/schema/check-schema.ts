import { type Kysely, sql } from 'kysely'
import type { HealthProblem } from '../../ports/health.ts'
import type { Database } from './tables.ts'

// The checks of `doctor` on tables and privileges. They read only the system catalog, which every role may read.

/** The privileges that dsctl needs on each table. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  organizations: ['SELECT'],
  users: ['SELECT'],
  users_to_organizations: ['SELECT'],
  datasets: ['SELECT'],
  data_sources: ['SELECT', 'INSERT', 'UPDATE'],
  'dsctl.pending_operations': ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  'dsctl.audit_events': ['SELECT', 'INSERT'],
  'dsctl.templates': ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  'dsctl.migrations': ['SELECT'],
}

interface MissingPrivilege {
  role: string
  privilege: string
  object: string
}

/** The privileges and policies that the current role lacks. Tables that do not exist are skipped. */
export async function missingPrivileges(db: Kysely<Database>): Promise<readonly HealthProblem[]> {
  const required = Object.entries(NEEDED).flatMap(([table, all]) => all.map(privilege => ({ table, privilege })))
  const { rows } = await sql<MissingPrivilege>`/* dsctl doctor: privileges */
    with required as (
      select w."table", w.privilege, coalesce(own.oid, to_regclass(w."table")) as oid
      from json_to_recordset(${JSON.stringify(required)}::json) as w ("table" text, privilege text)
      left join (pg_class own join pg_namespace n on n.oid = own.relnamespace and n.nspname = 'dsctl')
        on 'dsctl.' || own.relname = w."table")
    select current_user as role, 'USAGE' as privilege, 'SCHEMA dsctl' as object from pg_namespace
    where nspname = 'dsctl' and not has_schema_privilege(oid, 'USAGE')
    union all
    select current_user, privilege, "table" from required where oid is not null and not has_table_privilege(oid, privilege)
    union all
    select current_user, 'POLICY', "table" from required r
    where oid is not null and privilege = 'SELECT' and row_security_active(oid) and not exists (
      select from pg_policy p where p.polrelid = r.oid and p.polpermissive and p.polcmd in ('r', '*')
        and exists (select from unnest(p.polroles) member where member = 0 or pg_has_role(current_user, member, 'USAGE')))`.execute(
    db,
  )
  return rows.map(problemOf)
}

function problemOf({ object, privilege, role }: MissingPrivilege): HealthProblem {
  if (privilege === 'POLICY') {
    return {
      message: `row-level security hides every row of ${object} from ${role}`,
      fix: `CREATE POLICY dsctl ON ${object} TO "${role}" USING (true);`,
    }
  }
  return {
    message: `${role} lacks ${privilege} on ${object.replace('SCHEMA', 'schema')}`,
    fix: `GRANT ${privilege} ON ${object} TO "${role}";`,
  }
}

interface Index {
  columns: string
  /** Name of the constraint that uses this index, if any. */
  constraint: string | null
  name: string
  is_unique: boolean
  /** Null if the index covers all rows. */
  predicate: string | null
}

/** Missing indexes, and unique indexes that include deleted rows. Empty if data_sources does not exist. */
export async function indexProblems(db: Kysely<Database>): Promise<readonly HealthProblem[]> {
  const { rows } = await sql<{ exists: boolean; indexes: Index[] }>`/* dsctl doctor: indexes */
    select to_regclass('data_sources') is not null as "exists", (select coalesce(json_agg(x), '[]') from (
      select i.indexrelid::regclass::text as name, i.indisunique as is_unique, quote_ident(k.conname) as constraint,
        pg_get_expr(i.indpred, i.indrelid) as predicate,
        (select string_agg(coalesce(a.attname::text, '?'), ',' order by c.n)
          from unnest(i.indkey) with ordinality c (attnum, n)
          left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = c.attnum) as columns
      from pg_index i left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('u', 'p')
      where i.indrelid = to_regclass('data_sources') and i.indisvalid) x) as indexes`.execute(db)
  const [{ exists, indexes } = { exists: false, indexes: [] }] = rows
  if (!exists) return []
  const unique = indexes.filter(({ columns, is_unique }) => is_unique && sorted(columns) === 'env,name,organization_id')
  const hasLiveIndex = unique.some(coversLiveOnly)
  const hasListIndex = indexes.some(
    index => index.columns.startsWith('organization_id,updated_at') && coversAllLive(index),
  )
  return [
    ...(hasLiveIndex || unique.some(({ predicate }) => predicate === null) ? [] : [NOT_UNIQUE]),
    ...unique.filter(({ predicate }) => predicate === null).map(index => deletedRowsProblem(index, { hasLiveIndex })),
    ...(hasListIndex ? [] : [{ message: 'data_sources has no index for dsctl list', fix: LIST_INDEX }]),
  ]
}

const UNIQUE_INDEX =
  'CREATE UNIQUE INDEX CONCURRENTLY data_sources_live_name ON data_sources (name, organization_id, env) ' +
  'WHERE deleted_at IS NULL;'
const LIST_INDEX =
  'CREATE INDEX CONCURRENTLY data_sources_list ON data_sources (organization_id, updated_at DESC, id) ' +
  'WHERE deleted_at IS NULL;'
const NOT_UNIQUE = { message: 'data_sources has no unique index on the names of live rows', fix: UNIQUE_INDEX }

function coversLiveOnly({ predicate }: Index): boolean {
  return predicate === '(deleted_at IS NULL)'
}

function coversAllLive(index: Index): boolean {
  return index.predicate === null || coversLiveOnly(index)
}

function deletedRowsProblem({ name, constraint }: Index, { hasLiveIndex }: { hasLiveIndex: boolean }): HealthProblem {
  const drop = constraint === null ? `DROP INDEX ${name};` : `ALTER TABLE data_sources DROP CONSTRAINT ${constraint};`
  return {
    message: `${constraint ?? name} includes deleted rows, so the name of a deleted data source cannot be reused`,
    fix: hasLiveIndex ? drop : `${UNIQUE_INDEX} ${drop}`,
  }
}

function sorted(columns: string): string {
  return columns.split(',').toSorted().join()
}
