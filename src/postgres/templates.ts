import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Caller } from '../ports/caller.ts'
import type { LookupAudit } from '../ports/lookup.ts'
import type { NewTemplate, Template, Templates } from '../ports/templates.ts'
import type { Database } from './schema/tables.ts'
import { auditIfWritable, deniedEvents, doneEvent, refusedEvent } from './sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from './sql/authorize.ts'
import { exactlyOne } from './sql/exactly-one.ts'
import { explainDenial } from './sql/explain-denial.ts'
import { toIsoTime } from './sql/record-columns.ts'

/** The templates in Postgres. `client`: host and version of this process, for the audit trail. */
export function postgresTemplates(db: Kysely<Database>, client: string): Templates {
  return {
    list: caller => list(db, caller),
    find: (caller, names, audit) => find(db, client, { caller, names, audit }),
    set: (caller, template) =>
      explainDenial(db, { caller, client, action: 'template set' }, () => set(db, client, { caller, template })),
    remove: (caller, name) =>
      explainDenial(db, { caller, client, action: 'template delete' }, () => remove(db, client, { caller, name })),
  }
}

interface TemplateJson {
  name: string
  type: string
  fields: Record<string, unknown>
  created_at: string
  updated_at: string
}

const JSON_OF = sql`json_build_object('name', t.name, 'type', t.type, 'fields', t.fields,
        'created_at', t.created_at, 'updated_at', t.updated_at)`

const NAMES = sql<string[]>`(select coalesce(json_agg(t.name order by t.name), '[]')
      from dsctl.templates t join permitted using (organization_id)) as names`

async function list(db: Kysely<Database>, caller: Caller): ReturnType<Templates['list']> {
  const row = exactlyOne(
    await sql<{ authorization: Authorization; templates: TemplateJson[] }>`/* dsctl template list */ with
    ${authorize(caller)}
    select ${authorizationColumn}, (select coalesce(json_agg(${JSON_OF} order by t.name), '[]')
      from dsctl.templates t join permitted using (organization_id)) as templates`.execute(db),
  )
  return denialOf(row.authorization) ?? { kind: 'listed', templates: row.templates.map(toTemplate) }
}

interface Found {
  authorization: Authorization
  templates: TemplateJson[]
  names: string[]
}

async function find(
  db: Kysely<Database>,
  client: string,
  { caller, names, audit }: { caller: Caller; names: readonly string[]; audit: LookupAudit | undefined },
): ReturnType<Templates['find']> {
  const { answer } = await auditIfWritable(deniedEvents(audit, caller, client), auditCtes =>
    sql<Found>`/* dsctl template find */ with ${authorize(caller)}
    ${auditCtes}
    select ${authorizationColumn}, (select coalesce(json_agg(${JSON_OF}), '[]')
      from dsctl.templates t join permitted using (organization_id)
      where t.name = any(${names}::text[])) as templates, ${NAMES}`.execute(db),
  )
  const row = exactlyOne(answer)
  const templates = row.templates.map(toTemplate)
  return denialOf(row.authorization) ?? { kind: 'found', templates, names: row.names }
}

interface SetRow {
  authorization: Authorization
  present: TemplateJson | null
  written: TemplateJson | null
}

// FOR UPDATE makes a concurrent statement wait, so that its audit event has the values that it replaces.
async function set(
  db: Kysely<Database>,
  client: string,
  { caller, template: { name, type, fields } }: { caller: Caller; template: NewTemplate },
): ReturnType<Templates['set']> {
  const json = sql`${JSON.stringify(fields)}::text::jsonb`
  const event = { eventId: crypto.randomUUID(), action: 'template set', caller, client }
  const after = sql`jsonb_build_object('template', ${name}::text, 'type', ${type}::text)`
  const row = exactlyOne(
    await sql<SetRow>`/* dsctl template set */ with ${authorize(caller)},
    ${present(name)},
    written as (
      insert into dsctl.templates as t (organization_id, name, type, fields, created_by, updated_by)
      select p.organization_id, ${name}, ${type}, ${json}, p.user_id, p.user_id from permitted p
      where not exists (select from present where type = ${type} and fields = ${json})
      on conflict (organization_id, name) do update set type = excluded.type, fields = excluded.fields,
        updated_by = excluded.updated_by, updated_at = now()
      returning t.*),
    changed as (
      select coalesce(array_agg(key order by key), '{}') as fields from (
        select jsonb_object_keys(fields) as key from written
        union select jsonb_object_keys(fields) from present) keys
      where (select fields -> key from written) is distinct from (select fields -> key from present)),
    audited as (${doneEvent({
      ...event,
      from: sql`written w, changed c`,
      fields: sql`c.fields`,
      before: BEFORE,
      after,
    })}),
    refused as (${refusedEvent({ ...event, after }, sql`false`, null)})
    select ${authorizationColumn}, ${jsonIn('present')} as present, ${jsonIn('written')} as written`.execute(db),
  )
  const denial = denialOf(row.authorization)
  if (denial) return denial
  const template = row.written ?? row.present
  if (!template) throw new Error('The template was neither found nor written.')
  const kind = row.written ? (row.present ? 'replaced' : 'created') : 'unchanged'
  return { kind, template: toTemplate(template) }
}

async function remove(
  db: Kysely<Database>,
  client: string,
  { caller, name }: { caller: Caller; name: string },
): ReturnType<Templates['remove']> {
  const event = { eventId: crypto.randomUUID(), action: 'template delete', caller, client }
  const row = exactlyOne(
    await sql<{ authorization: Authorization; removed: boolean; names: string[] }>`/* dsctl template delete */ with
    ${authorize(caller)},
    ${present(name)},
    removed as (
      delete from dsctl.templates t using present x
      where t.organization_id = x.organization_id and t.name = x.name returning t.name),
    audited as (${doneEvent({ ...event, from: sql`removed r`, before: BEFORE })}),
    refused as (${refusedEvent(
      { ...event, before: sql`jsonb_build_object('template', ${name}::text)` },
      sql`not exists (select from removed)`,
      null,
    )})
    select ${authorizationColumn}, exists (select from removed) as removed, ${NAMES}`.execute(db),
  )
  const denial = denialOf(row.authorization)
  if (denial) return denial
  return row.removed ? { kind: 'removed' } : { kind: 'missing', names: row.names }
}

/** The CTE `present`: the existing template with this name, locked. */
function present(name: string): RawBuilder<unknown> {
  return sql`present as materialized (
      select t.* from dsctl.templates t join permitted p using (organization_id) where t.name = ${name} for update of t)`
}

const BEFORE = sql`(select jsonb_build_object('template', name, 'type', type) from present)`

function jsonIn(table: string): RawBuilder<TemplateJson | null> {
  return sql`(select ${JSON_OF} from ${sql.table(table)} t)`
}

function toTemplate({ name, type, fields, created_at, updated_at }: TemplateJson): Template {
  return { name, type, fields, createdAt: toIsoTime(created_at), updatedAt: toIsoTime(updated_at) }
}
