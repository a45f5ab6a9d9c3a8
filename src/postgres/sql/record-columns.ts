import { type RawBuilder, sql } from 'kysely'
import type { DataSource, OnboardingStatus } from '../../domain/data-source.ts'
import { isUuid } from '../../lib/uuid.ts'
import type { LookupFailure, Ref } from '../../ports/lookup.ts'
import { callerOrganization } from './authorize.ts'
import { valuesOf } from './batch-input.ts'

/** A record as a statement answers it: one JSON object, so that one row carries everything it found. */
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

/** One of several records that a REF may mean. */
export interface Candidate {
  id: string
  name: string
  env: string
}

const candidateJson = sql`json_build_object('id', t.id, 'name', t.name, 'env', t.env)`

/** The one record in `table`, a CTE with the columns of data_sources, as JSON; null where it is empty. */
export function recordJsonIn(table: string): RawBuilder<RecordJson | null> {
  return sql`(select ${recordJson} from ${sql.table(table)} d)`
}

/** A row `d` of data_sources as JSON. */
export const recordJson = sql<RecordJson>`json_build_object(
    'id', d.id, 'secret_id', d.secret_id, 'organization_id', d.organization_id, 'name', d.name, 'type', d.type,
    'env', d.env, 'onboarding_status', d.onboarding_status, 'onboarding_error', d.onboarding_error,
    'created_at', d.created_at, 'updated_at', d.updated_at,
    'created_by', (select json_build_object('id', u.id, 'email', u.email, 'name', u.name)
      from users u where u.id = d.created_by),
    'data_sets', (select coalesce(json_agg(json_build_object('id', s.id, 'name', s.name) order by s.name, s.id), '[]')
      from datasets s where s.data_source_id = d.id and s.deleted_at is null))`

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
 * Whether a row of data_sources, named `d`, is the one that REF names. A name may look like a UUID, too: a live record's
 * own UUID goes before it, lest what is named after another's stand in that one's way.
 */
export function matchesRef(ref: Ref): RawBuilder<boolean> {
  const byName = sql`d.name = ${ref.text}`
  const id = sql`${ref.text.toLowerCase()}::uuid`
  const another = sql`select from data_sources i
    where i.id = ${id} and i.organization_id = d.organization_id and i.deleted_at is null`
  const named = isUuid(ref.text) ? sql`(d.id = ${id} or (${byName} and not exists (${another})))` : byName
  return ref.env === undefined ? sql`${named}` : sql`(${named} and d.env = ${ref.env})`
}

interface Names {
  /** Those that fit. */
  readonly organization: RawBuilder<unknown>
  /** As an array, to find them by; best as a value where they are known beforehand, which Postgres can hash. */
  readonly names: RawBuilder<unknown>
  /** Selects each of them with its env: what has the name in another env is left out by a hash, and joined with nothing. */
  readonly inEnv: RawBuilder<unknown>
}

/**
 * The CTE `namesakes`: live records that have any of these names in its env. By itself: joined here with what asks for
 * them, a table without statistics would be read once for each of those.
 */
export function namesakes({ organization, names, inEnv }: Names): RawBuilder<unknown> {
  return sql`namesakes as materialized (
      select d.* from data_sources d
      where d.organization_id = ${organization} and d.deleted_at is null and d.name = any(${names})
        and ((d.name, d.env) in (${inEnv})) is true)`
}

/** The columns that hold a REF in a row of `asked`. */
export const REF_COLUMNS = 'ref_name text, ref_id uuid, ref_env text'

export function refColumns({ text, env }: Ref) {
  return { ref_name: text, ref_id: isUuid(text) ? text.toLowerCase() : null, ref_env: env ?? null }
}

/** Those in the CTE `targets` as candidates to choose from, at most ten. */
export const candidates = sql<Candidate[]>`(
  select coalesce(json_agg(${candidateJson} order by t.env, t.id), '[]')
  from (select id, name, env from targets limit 10) t)`

/** The CTE `targets`: the live records of the caller's organization that REF may mean. */
export function refTargets(ref: Ref): RawBuilder<unknown> {
  return sql`targets as (
      select d.* from data_sources d
      where d.organization_id = ${callerOrganization} and d.deleted_at is null and ${matchesRef(ref)})`
}

/** The CTE `targets`: the same for each REF in `asked`, with its `nth`. */
export const batchTargets = sql`near as materialized (
      select d.* from data_sources d
      where d.organization_id = ${callerOrganization} and d.deleted_at is null
        and (d.id = any(${valuesOf('ref_id', 'asked')}) or d.name = any(${valuesOf('ref_name', 'asked')}))),
    targets as materialized (${rowsMatchingRefs('near')})`

/** The rows of a table of data sources that the REFs in `asked` name. */
export function rowsMatchingRefs(table: string): RawBuilder<unknown> {
  const inEnv = sql`(a.ref_env is null or d.env = a.ref_env)`
  return sql`
      select a.nth, d.* from ${sql.table(table)} d join asked a on d.id = a.ref_id where ${inEnv}
      union all
      select a.nth, d.* from ${sql.table(table)} d join asked a on d.name = a.ref_name
      where not exists (select from ${sql.table(table)} i where i.id = a.ref_id) and ${inEnv}`
}

/** Those of `targets` that are the only one for their REF. */
export const unambiguousTargets = sql`
      select d.* from targets d where d.nth in (select nth from targets group by nth having count(*) = 1)`

/** For each `nth` in `targets` the same as `candidates`: a relation with that and `candidates`. */
export const batchCandidates = sql`(
      select t.nth, json_agg(${candidateJson} order by t.env, t.id) as candidates
      from (select nth, id, name, env, row_number() over (partition by nth) as place from targets) t
      where t.place <= 10 group by t.nth)`

/** Why REF did not lead to one live record, if it did not. */
export function lookupFailure({ candidates }: { candidates: Candidate[] | null }): LookupFailure | undefined {
  if (candidates?.length === 1) return undefined
  if (!candidates?.length) return { kind: 'not found' }
  return { kind: 'ambiguous', candidates }
}
