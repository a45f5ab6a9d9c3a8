import { type RawBuilder, sql } from 'kysely'
import type { Ref } from '../../ports/lookup.ts'
import { callerOrganization } from './authorize.ts'
import { valuesOf } from './batch-input.ts'
import { nameHolder } from './intent-columns.ts'
import { batchTargets, namesakes, REF_COLUMNS, refColumns, spellingsInSql } from './record-columns.ts'
import { spellingsOf } from './spellings.ts'

/** The columns of `args` that hold an update. */
export const UPDATE_COLUMNS = `${REF_COLUMNS}, name text, spellings text[], env text, renaming text[]`

interface UpdateRow {
  readonly ref: Ref
  readonly name: string | undefined
  readonly env: string | undefined
}

/** The values of UPDATE_COLUMNS. `renaming`: which of name and env the request gives. */
export function updateColumns({ ref, name, env }: UpdateRow) {
  const renaming = [...(name === undefined ? [] : ['name']), ...(env === undefined ? [] : ['env'])]
  return {
    ...refColumns(ref),
    name: name ?? null,
    spellings: name === undefined ? null : spellingsOf(name),
    env: env ?? null,
    renaming,
  }
}

/**
 * CTEs for the updates in `args`. `new_names`: name and env of each record in `found` after the update, and whether
 * they change. `blockers`: unclosed intents for the same record or the same name. `taken`: live records that have the
 * name.
 */
export function renameTargets(found: RawBuilder<unknown>): RawBuilder<unknown> {
  const named = { organization: sql`w.organization_id`, name: sql`any(w.spellings)`, env: sql`w.env` }
  return sql`${batchTargets},
    found as (${found}),
    new_names as materialized (
      select f.nth, f.id, f.organization_id, n.name, n.env, coalesce(a.spellings, ${spellingsInSql('f.name')}) as spellings, (n.name, n.env) is distinct from (f.name, f.env) as renamed
      from found f join args a using (nth), lateral (
        select coalesce(a.name, f.name) as name, coalesce(a.env, f.env) as env) n),
    unclosed as materialized (
      select i.* from dsctl.pending_operations i where i.state <> 'closed' and i.data_source_id = any(${valuesOf('id', 'new_names')})),
    blockers as materialized (
      select w.nth, i.* from new_names w join unclosed i on i.data_source_id = w.id
      union all
      select w.nth, i.* from new_names w, ${nameHolder(named)} where w.renamed),
    ${namesakes({
      organization: callerOrganization,
      names: valuesOf('unnest(spellings)', 'new_names where renamed'),
      inEnv: sql`select unnest(spellings), env from new_names where renamed`,
    })},
    taken as materialized (
      select distinct on (w.nth) w.nth, d.id
      from (select nth, id, env, unnest(spellings) as name from new_names where renamed) w
      join namesakes d on d.name = w.name and d.env = w.env
      where d.id <> w.id)`
}

/** Whether an update fails, because its name is taken or its record not found. `done`: an earlier try succeeded. */
export function updateFailed(done: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`not (${done}) and a.nth not in (select nth from blockers)
        and (a.nth in (select nth from taken) or a.nth not in (select nth from found))`
}
