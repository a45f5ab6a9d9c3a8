import { type RawBuilder, sql } from 'kysely'
import type { Intent, IntentOutcome, IntentState } from '../../ports/intent.ts'

/** An intent as returned by a statement. */
export interface IntentJson {
  id: string
  kind: Intent['kind']
  state: IntentState
  outcome: IntentOutcome | null
  data_source_id: string
  secret_id: string
  organization_id: string
  base_version: number | null
  expired: boolean
}

/** A row `i` of pending_operations as JSON. */
export const intentJson = sql<IntentJson>`json_build_object(
    'id', i.id, 'kind', i.kind, 'state', i.state, 'outcome', i.outcome, 'data_source_id', i.data_source_id,
    'secret_id', i.secret_id, 'organization_id', i.organization_id, 'base_version', i.base_version,
    'expired', i.expires_at <= now())`

/** The oldest intent in `table`, a CTE with the columns of pending_operations, as JSON; null if it is empty. */
export function oldestIntentIn(table: string): RawBuilder<IntentJson | null> {
  return sql`(select ${intentJson} from ${sql.table(table)} i order by i.created_at, i.id limit 1)`
}

/** The oldest intent of each item in `table`: a relation of `nth` and `intent`. */
export function oldestIntentPerItem(table: string): RawBuilder<unknown> {
  return sql`(select distinct on (i.nth) i.nth, ${intentJson} as intent from ${sql.table(table)} i
      order by i.nth, i.created_at, i.id)`
}

/** The CTE `recorded`: intents that an earlier try of the same statement has recorded. */
export const recordedIntents = sql`recorded as materialized (
      select a.nth, i.* from dsctl.pending_operations i join args a on a.intent_id = i.id
      where i.id = any(array(select intent_id from args)))`

interface NameColumns {
  readonly organization: RawBuilder<unknown>
  readonly name: RawBuilder<unknown>
  readonly env: RawBuilder<unknown>
}

/**
 * A lateral FROM item `i`: the unclosed intent that reserves a name. LIMIT makes Postgres look up each name by the full
 * index key. Otherwise it may scan the index, which keeps entries of closed intents until they are vacuumed.
 */
export function nameHolder({ organization, name, env }: NameColumns): RawBuilder<unknown> {
  return sql`lateral (
        select * from dsctl.pending_operations
        where state <> 'closed' and organization_id = ${organization} and new_name = ${name} and new_env = ${env}
        limit 1) i`
}

/** Converts the JSON of a statement. */
export function toIntent(json: IntentJson): Intent {
  return {
    id: json.id,
    kind: json.kind,
    state: json.state,
    outcome: json.outcome,
    dataSourceId: json.data_source_id,
    secretId: json.secret_id,
    organizationId: json.organization_id,
    baseVersion: json.base_version,
    expired: json.expired,
  }
}

/** The end of a lease that begins now, by the clock of Postgres. `seconds`: a column. */
export function leaseEnd(seconds: RawBuilder<number>): RawBuilder<Date> {
  return sql`now() + make_interval(secs => ${seconds})`
}
