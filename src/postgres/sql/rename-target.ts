import { type RawBuilder, sql } from 'kysely'
import type { Ref } from '../../ports/lookup.ts'
import { callerOrganization } from './authorize.ts'
import { valuesOf } from './batch-input.ts'
import { nameHolder } from './intent-columns.ts'
import { batchTargets, namesakes, REF_COLUMNS, refColumns } from './record-columns.ts'

/** The columns of an update in a row of `asked`. */
export const UPDATE_COLUMNS = `${REF_COLUMNS}, name text, env text, renaming text[]`

interface UpdateRow {
  readonly ref: Ref
  readonly name: string | undefined
  readonly env: string | undefined
}

export function updateColumns({ ref, name, env }: UpdateRow) {
  const renaming = [...(name === undefined ? [] : ['name']), ...(env === undefined ? [] : ['env'])]
  return { ...refColumns(ref), name: name ?? null, env: env ?? null, renaming }
}

/**
 * What each record in `found` would be called, whether that is a change, and what stands in the way: another's intent on
 * the same source or for the same name (`holders`), or a live record that has the name (`taken`).
 */
export function renameTargets(found: RawBuilder<unknown>): RawBuilder<unknown> {
  const named = { organization: sql`w.organization_id`, name: sql`w.name`, env: sql`w.env` }
  return sql`${batchTargets},
    found as (${found}),
    wanted as materialized (
      select f.nth, f.id, f.organization_id, n.name, n.env, (n.name, n.env) is distinct from (f.name, f.env) as renamed
      from found f join asked a using (nth), lateral (
        select coalesce(a.name, f.name) as name, coalesce(a.env, f.env) as env) n),
    unclosed as materialized (
      select i.* from dsctl.pending_operations i where i.state <> 'closed' and i.data_source_id = any(${valuesOf('id', 'wanted')})),
    holders as materialized (
      select w.nth, i.* from wanted w join unclosed i on i.data_source_id = w.id
      union all
      select w.nth, i.* from wanted w, ${nameHolder(named)} where w.renamed),
    ${namesakes({
      organization: callerOrganization,
      names: valuesOf('name', 'wanted where renamed'),
      inEnv: sql`select name, env from wanted where renamed`,
    })},
    taken as materialized (
      select w.nth, d.id from wanted w join namesakes d on d.name = w.name and d.env = w.env
      where w.renamed and d.id <> w.id)`
}

/** Whether an update that was asked for failed, unless it is among those of which an earlier try was done. */
export function updateFailed(done: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`not (${done}) and a.nth not in (select nth from holders)
        and (a.nth in (select nth from taken) or a.nth not in (select nth from found))`
}
