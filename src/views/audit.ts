import type { AuditEvent } from '../ports/audit-trail.ts'
import type { Column, ListView, PagesView, WritePage } from '../terminal/view.ts'

/**
 * The output of `audit`. `which` describes the filters for the message "No events…", for example ` by
 * alice@example.com`.
 */
export function eventsView(events: readonly AuditEvent[], which: string): ListView<Shown> {
  return { kind: 'list', data: events.map(shown), columns: COLUMNS, empty: `No events${which}.` }
}

/** The output of `audit --all`, printed page by page. */
export function allEventsView(each: (take: WritePage<AuditEvent>) => Promise<void>, which: string): PagesView<Shown> {
  const empty = `No events${which}.`
  return { kind: 'pages', forEachPage: take => each(page => take(page.map(shown))), columns: COLUMNS, empty }
}

type Shown = ReturnType<typeof shown>

const COLUMNS: readonly Column<Shown>[] = [
  { title: 'TIME', value: event => ({ time: event.at }), fixed: true },
  { title: 'ACTOR', value: event => event.actor_email },
  { title: 'ACTION', value: event => event.action, fixed: true },
  { title: 'OUTCOME', value: event => event.outcome, fixed: true },
  { title: 'ABOUT', value: about },
  { title: 'FIELDS', value: event => event.fields.join(', ') },
]

function shown(event: AuditEvent) {
  return {
    ...{ id: event.id, at: event.at, action: event.action, outcome: event.outcome },
    ...{ actor_id: event.actorId, actor_email: event.actorEmail, actor_source: event.actorSource },
    ...{ data_source_id: event.dataSourceId, data_source_name: event.dataSourceName, fields: event.fields },
    ...{ before: event.before, after: event.after, client: event.client, settled_by: event.settledBy },
  }
}

function about({ data_source_name: name, before, after }: Shown): string | undefined {
  const values = after ?? before
  return name ?? [values?.email, values?.template].find(text => typeof text === 'string')
}
