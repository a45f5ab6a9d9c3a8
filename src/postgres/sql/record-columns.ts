import { type RawBuilder, sql } from 'kysely'
import type { DataSource, OnboardingStatus } from '../../domain/data-source.ts'
import { isUuid } from '../../lib/uuid.ts'
import type { Candidate, LookupFailure, Ref } from '../../ports/lookup.ts'
import { callerOrganization } from './authorize.ts'
import { valuesOf } from './batch-input.ts'
import { spellingsOf } from './spellings.ts'

/** A record as returned by a statement: a JSON object, so that a single row can hold several records. */
export interface RecordJson {
  id: string
  secret_id: string
  organization_id: string
  name: string
  type: string
  env: string
  onboarding_status: OnboardingStatus
  onboarding_error: string | null
  created_at: string
  updated_at: string
  created_by: { id: string; email: string; name: string | null } | null
  data_sets: { id: string; name: string }[]
}

const candidateJson = sql`json_build_object('id', t.id, 'name', t.name, 'env', t.env)`

/** The single record in `table`, a CTE with the columns of data_sources, as JSON; null if it is empty. */
export function recordJsonIn(table: string): RawBuilder<RecordJson | null> {
  return sql`(select ${recordJson} from ${sql.table(table)} d)`
}

/** The row `d` of data_sources as JSON. */
export const recordJson = sql<RecordJson>`json_build_object(
    'id', d.id, 'secret_id', d.secret_id, 'organization_id', d.organization_id, 'name', d.name, 'type', d.type,
    'env', d.env, 'onboarding_status', d.onboarding_status, 'onboarding_error', d.onboarding_error,
    'created_at', d.created_at, 'updated_at', d.updated_at,
    'created_by', (select json_build_object('id', u.id, 'email', u.email, 'name', u.name)
      from users u where u.id = d.created_by),
    'data_sets', (select coalesce(json_agg(json_build_object('id', s.id, 'name', s.name) order by s.name, s.id), '[]')
      from datasets s where s.data_source_id = d.id and s.deleted_at is null))`

/** Converts the JSON of a statement. */
export function toDataSource(json: RecordJson): DataSource {
  return {
    id: json.id,
    secretId: json.secret_id,
    organizationId: json.organization_id,
    name: json.name,
    type: json.type,
    env: json.env,
    onboardingStatus: json.onboarding_status,
    onboardingError: json.onboarding_error,
    createdAt: toIsoTime(json.created_at),
    updatedAt: toIsoTime(json.updated_at),
    createdBy: json.created_by,
    dataSets: json.data_sets,
  }
}

/** A Postgres timestamp as ISO 8601 in UTC, whatever the session's time zone. */
export function toIsoTime(timestamp: string | number | Date): string {
  return new Date(timestamp).toISOString()
}

/**
 * Whether the row `d` of data_sources matches REF. A UUID matches a record by id. It matches a name only if no live
 * record has that id. Otherwise someone could hide a record by giving its id to another record as a name.
 */
export function matchesRef(ref: Ref): RawBuilder<boolean> {
  const byName = sql`d.name = any(${spellingsOf(ref.text)}::text[])`
  const id = sql`${ref.text.toLowerCase()}::uuid`
  const hasId = sql`select from data_sources i
    where i.id = ${id} and i.organization_id = d.organization_id and i.deleted_at is null`
  const matches = isUuid(ref.text) ? sql`(d.id = ${id} or (${byName} and not exists (${hasId})))` : byName
  return ref.env === undefined ? sql`${matches}` : sql`(${matches} and d.env = ${ref.env})`
}

interface Names {
  /** An organization id, or `any(array)`. */
  readonly organization: RawBuilder<unknown>
  /** The names as an array. Prefer a parameter to a subquery: Postgres can hash it. */
  readonly names: RawBuilder<unknown>
  /** Selects the names with their envs. Postgres hashes them, to exclude records that have a name in another env. */
  readonly inEnv: RawBuilder<unknown>
}

/**
 * The CTE `namesakes`: live records with any of these names in the same env. It is not joined with the items here,
 * because Postgres would read a table without statistics once per item.
 */
export function namesakes({ organization, names, inEnv }: Names): RawBuilder<unknown> {
  return sql`namesakes as materialized (
      select d.* from data_sources d
      where d.organization_id = ${organization} and d.deleted_at is null and d.name = any(${names})
        and ((d.name, d.env) in (${inEnv})) is true)`
}

/**
 * An SQL array of the spellings of a name: unchanged, in NFC and in NFD. `name` is an SQL expression. In a database
 * whose encoding is not UTF-8, the array has only the unchanged name.
 */
export function spellingsInSql(name: string): RawBuilder<string[]> {
  const forms = `array[${name}, normalize(${name}, NFC), normalize(${name}, NFD)]`
  return sql.raw(
    `array(select distinct s from unnest(case when getdatabaseencoding() = 'UTF8' then ${forms} else array[${name}] end) s)`,
  )
}

/** The columns of `args` that hold a REF. */
export const REF_COLUMNS = 'ref_name text, ref_names text[], ref_id uuid, ref_env text'

/** The values of REF_COLUMNS. */
export function refColumns({ text, env }: Ref) {
  const ref_names = spellingsOf(text)
  return { ref_name: text, ref_names, ref_id: isUuid(text) ? text.toLowerCase() : null, ref_env: env ?? null }
}

/** The rows of the CTE `targets` as candidates, at most ten. */
export const candidates = sql<Candidate[]>`(
  select coalesce(json_agg(${candidateJson} order by t.env, t.id), '[]')
  from (select id, name, env from targets limit 10) t)`

/** The CTE `targets`: the live records of the caller's organization that match REF. */
export function refTargets(ref: Ref): RawBuilder<unknown> {
  return sql`targets as (
      select d.* from data_sources d
      where d.organization_id = ${callerOrganization} and d.deleted_at is null and ${matchesRef(ref)})`
}

/** The CTE `targets` for a batch: the matches of each REF in `args`, with its `nth`. */
export const batchTargets = sql`possible as materialized (
      select d.* from data_sources d
      where d.organization_id = ${callerOrganization} and d.deleted_at is null
        and (d.id = any(${valuesOf('ref_id', 'args')}) or d.name = any(${valuesOf('unnest(ref_names)', 'args')}))),
    targets as materialized (${rowsMatchingRefs('possible')})`

/** The rows of `table`, which has the columns of data_sources, that match a REF in `args`, with its `nth`. */
export function rowsMatchingRefs(table: string): RawBuilder<unknown> {
  const inEnv = sql`(a.ref_env is null or d.env = a.ref_env)`
  return sql`
      select a.nth, d.* from ${sql.table(table)} d join args a on d.id = a.ref_id where ${inEnv}
      union all
      select a.nth, d.* from ${sql.table(table)} d
      join (select nth, ref_id, ref_env, unnest(ref_names) as ref_name from args) a on d.name = a.ref_name
      where not exists (select from ${sql.table(table)} i where i.id = a.ref_id) and ${inEnv}`
}

/** The rows of `targets` that are the only match of their REF. */
export const unambiguousTargets = sql`
      select d.* from targets d where d.nth in (select nth from targets group by nth having count(*) = 1)`

/** The candidates of each item in `targets`: a relation of `nth` and `candidates`. */
export const batchCandidates = sql`(
      select t.nth, json_agg(${candidateJson} order by t.env, t.id) as candidates
      from (select nth, id, name, env, row_number() over (partition by nth) as place from targets) t
      where t.place <= 10 group by t.nth)`

/** Why REF did not match exactly one record; undefined if it did. */
export function lookupFailure({ candidates }: { candidates: readonly Candidate[] | null }): LookupFailure | undefined {
  if (candidates?.length === 1) return undefined
  if (!candidates?.length) return { kind: 'not found' }
  return { kind: 'ambiguous', candidates }
}
