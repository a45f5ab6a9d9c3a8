import { type Kysely, sql } from 'kysely'
import type { Database } from './tables.ts'

/** The state of the application's tables: none, all as required, or a message for each difference. */
export type Tables =
  | { readonly kind: 'empty' }
  | { readonly kind: 'present' }
  | { readonly kind: 'different'; readonly differences: readonly string[] }

const ROLES = ['workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer']
const STATUSES = ['active', 'inactive', 'pending', 'guest']
const ONBOARDING = ['notStarted', 'inProgress', 'completed', 'failed']
const TEXT = ['text', 'character varying']
const UUID = ['uuid']
const TIME = ['timestamp with time zone']

/** The accepted types of a column or, for an enum, its required labels. */
type Needed = readonly string[] | { readonly labels: readonly string[] }

/** Text, or an enum of the application, which may lack some of our types. */
const TEXT_OR_ENUM = [...TEXT, 'enum']

/** The required columns. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, Needed>>>> = {
  organizations: { id: UUID, name: TEXT, deleted_at: TIME },
  users: { id: UUID, email: TEXT, name: TEXT },
  users_to_organizations: {
    ...{ user_id: UUID, organization_id: UUID, deleted_at: TIME },
    role: { labels: ROLES },
    status: { labels: STATUSES },
  },
  data_sources: {
    ...{ id: UUID, name: TEXT, type: TEXT_OR_ENUM, secret_id: UUID, organization_id: UUID, env: TEXT },
    ...{ created_by: UUID, updated_by: UUID, created_at: TIME, updated_at: TIME, deleted_at: TIME },
    ...{ onboarding_error: TEXT, onboarding_status: { labels: ONBOARDING } },
  },
  datasets: { id: UUID, name: TEXT, data_source_id: UUID, organization_id: UUID, deleted_at: TIME },
}

/** The table that dsctl inserts into. Any other column of it must be nullable or have a default. */
const INSERTED_INTO = 'data_sources'

interface Column {
  table_name: string
  column_name: string
  type: string
  /** NOT NULL without a default. */
  required: boolean
  labels: string[] | null
}

/** Compares the application's five tables with the columns, types and unique index that dsctl needs. */
export async function inspectTables(db: Kysely<Database>): Promise<Tables> {
  const columns = await readColumns(db)
  const found = new Set(columns.map(column => column.table_name))
  if (found.size === 0) return { kind: 'empty' }
  const differences = Object.entries(NEEDED).flatMap(([table, needed]) =>
    found.has(table)
      ? Object.entries(needed).flatMap(([name, types]) => difference(columns, `${table}.${name}`, types))
      : [`table ${table} is missing`],
  )
  differences.push(...columns.filter(isUnknownRequired).map(unknownRequiredMessage))
  if (found.has('data_sources') && !(await isUnique(db))) {
    differences.push('data_sources has no unique index or constraint on (name, organization_id, env)')
  }
  return differences.length ? { kind: 'different', differences } : { kind: 'present' }
}

/** Tables are resolved by search_path, as in all statements of dsctl. */
async function readColumns(db: Kysely<Database>): Promise<Column[]> {
  const { rows } = await sql<Column>`/* dsctl inspect the tables */
    select c.relname as table_name, a.attname as column_name, format_type(b.oid, null) as type,
      (a.attnotnull or t.typnotnull) and not a.atthasdef and t.typdefault is null and a.attidentity = '' as required,
      (select array_agg(e.enumlabel::text) from pg_enum e where e.enumtypid = b.oid) as labels
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
      join pg_type b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
    where c.oid in (select to_regclass(t) from unnest(${Object.keys(NEEDED)}::text[]) t)`.execute(db)
  return rows
}

function isUnknownRequired({ table_name, column_name, required }: Column): boolean {
  return required && table_name === INSERTED_INTO && NEEDED[INSERTED_INTO]?.[column_name] === undefined
}

function unknownRequiredMessage({ table_name, column_name }: Column): string {
  return `column ${table_name}.${column_name} is NOT NULL without a default, and dsctl does not know its value`
}

function difference(columns: readonly Column[], path: string, needed: Needed) {
  const column = columns.find(c => `${c.table_name}.${c.column_name}` === path)
  if (!column) return [`column ${path} is missing`]
  if ('labels' in needed) {
    const missing = needed.labels.filter(label => !column.labels?.includes(label))
    return missing.length ? [`column ${path} is ${column.type}, which lacks the label ${missing.join(', ')}`] : []
  }
  return needed.includes(column.labels ? 'enum' : column.type)
    ? []
    : [`column ${path} is ${column.type}, not ${needed.join(' or ')}`]
}

async function isUnique(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql<{ columns: string[] }>`/* dsctl inspect the unique indexes */
    select array(
      select a.attname::text from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey)
      order by 1) as columns
    from pg_index i where i.indrelid = to_regclass('data_sources') and i.indisunique`.execute(db)
  return rows.some(({ columns }) => columns.join() === 'env,name,organization_id')
}
