import { type Kysely, sql } from 'kysely'
import type { Database } from './tables.ts'

/** What `init` finds: nothing, tables that fit, or what is not as it must be, every difference in a sentence. */
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

/** The columns that dsctl needs, each with the types that will do; an array of labels stands for an enum. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, readonly string[] | { readonly labels: string[] }>>>> = {
  organizations: { id: UUID, name: TEXT, deleted_at: TIME },
  users: { id: UUID, email: TEXT, name: TEXT },
  users_to_organizations: {
    ...{ user_id: UUID, organization_id: UUID, deleted_at: TIME },
    role: { labels: ROLES },
    status: { labels: STATUSES },
  },
  data_sources: {
    ...{ id: UUID, name: TEXT, type: TEXT, secret_id: UUID, organization_id: UUID, env: TEXT },
    ...{ created_by: UUID, updated_by: UUID, created_at: TIME, updated_at: TIME, deleted_at: TIME },
    ...{ onboarding_error: TEXT, onboarding_status: { labels: ONBOARDING } },
  },
  datasets: { id: UUID, name: TEXT, data_source_id: UUID, organization_id: UUID, deleted_at: TIME },
}

/** What `create` and the others write to: a column there that wants a value must be one that dsctl gives. */
const WRITTEN = 'data_sources'

interface Column {
  table_name: string
  column_name: string
  type: string
  /** It has no default, and must not be null. */
  wanted: boolean
  labels: string[] | null
}

/** Compares the application's five tables with what dsctl needs. */
export async function inspectTables(db: Kysely<Database>): Promise<Tables> {
  const columns = await readColumns(db)
  const found = new Set(columns.map(column => column.table_name))
  if (found.size === 0) return { kind: 'empty' }
  const differences = Object.entries(NEEDED).flatMap(([table, needed]) =>
    found.has(table)
      ? Object.entries(needed).flatMap(([name, types]) => difference(columns, `${table}.${name}`, types))
      : [`table ${table} is missing`],
  )
  differences.push(...columns.filter(isUnknownAndWanted).map(unknownAndWanted))
  if (found.has('data_sources') && !(await isUnique(db))) {
    differences.push('data_sources has no unique index or constraint on (name, organization_id, env)')
  }
  return differences.length ? { kind: 'different', differences } : { kind: 'present' }
}

/** As `search_path` finds them, so that what is inspected is what the statements will use. */
async function readColumns(db: Kysely<Database>): Promise<Column[]> {
  const { rows } = await sql<Column>`/* dsctl inspect the tables */
    select c.relname as table_name, a.attname as column_name, format_type(a.atttypid, null) as type,
      a.attnotnull and not a.atthasdef and a.attidentity = '' as wanted,
      (select array_agg(e.enumlabel::text) from pg_enum e where e.enumtypid = a.atttypid) as labels
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.oid in (select to_regclass(t) from unnest(${Object.keys(NEEDED)}::text[]) t)`.execute(db)
  return rows
}

function isUnknownAndWanted({ table_name, column_name, wanted }: Column): boolean {
  return wanted && table_name === WRITTEN && NEEDED[WRITTEN]?.[column_name] === undefined
}

function unknownAndWanted({ table_name, column_name }: Column): string {
  return `column ${table_name}.${column_name} must have a value and has no default: dsctl would not know which`
}

function difference(columns: readonly Column[], path: string, needed: readonly string[] | { labels: string[] }) {
  const column = columns.find(c => `${c.table_name}.${c.column_name}` === path)
  if (!column) return [`column ${path} is missing`]
  if ('labels' in needed) {
    const missing = needed.labels.filter(label => !column.labels?.includes(label))
    return missing.length ? [`column ${path} is ${column.type}, which lacks the label ${missing.join(', ')}`] : []
  }
  return needed.includes(column.type) ? [] : [`column ${path} is ${column.type}, not ${needed.join(' or ')}`]
}

async function isUnique(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql<{ columns: string[] }>`/* dsctl inspect the unique indexes */
    select array(
      select a.attname::text from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey)
      order by 1) as columns
    from pg_index i where i.indrelid = to_regclass('data_sources') and i.indisunique`.execute(db)
  return rows.some(({ columns }) => columns.join() === 'env,name,organization_id')
}
