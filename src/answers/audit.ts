import type { AuditEvent } from '../ports/audit-trail.ts'
import type { ListView } from '../terminal/view.ts'

/** What `audit` prints of events. */
export function eventsView(events: readonly AuditEvent[]): ListView<ReturnType<typeof shown>> {
  return {
    kind: 'list',
    data: events.map(shown),
    empty: 'No events.',
    columns: [
      { title: 'TIME', value: event => ({ time: event.at }), fixed: true },
      { title: 'ACTOR', value: event => event.actor_email },
      { title: 'ACTION', value: event => event.action, fixed: true },
      { title: 'OUTCOME', value: event => event.outcome, fixed: true },
      { title: 'ABOUT', value: about },
      { title: 'FIELDS', value: event => event.fields.join(', ') },
    ],
  }
}

function shown(event: AuditEvent) {
  return {
    ...{ id: event.id, at: event.at, action: event.action, outcome: event.outcome },
    ...{ actor_id: event.actorId, actor_email: event.actorEmail, actor_source: event.actorSource },
    ...{ data_source_id: event.dataSourceId, data_source_name: event.dataSourceName, fields: event.fields },
    ...{ before: event.before, after: event.after, client: event.client, settled_by: event.settledBy },
  }
}

function about({ data_source_name: name, before, after }: ReturnType<typeof shown>): string | undefined {
  const email = after?.email ?? before?.email
  return name ?? (typeof email === 'string' ? email : undefined)
}
