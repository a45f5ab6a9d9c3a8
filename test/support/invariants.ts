import type { Site } from './site.ts'
import { type Everything, everythingIn, type Row } from './stored.ts'

/** Inconsistencies in and between the stores after all intents are settled, one sentence each. */
export async function violationsIn(site: Pick<Site, 'database' | 'vault'>): Promise<string[]> {
  return violationsOf(await everythingIn(site))
}

/** The same for contents that have been read already. */
export function violationsOf({ records, intents, events, secrets }: Everything): string[] {
  const live = records.filter(record => record.deleted_at === null)
  const known = live.map(record => pathOf(record))
  return [
    ...intents.filter(({ state }) => state !== 'closed').map(intent => `the ${intent.kind} ${intent.id} is not closed`),
    ...live.flatMap(record => wrongSecret(record, secrets)),
    ...Object.keys(secrets)
      .filter(path => !known.includes(path))
      .map(path => `nothing knows of the secret ${path}`),
    ...repeated(live.map(({ organization_id, name, env }) => `${name} in ${env} of ${organization_id}`)).map(
      name => `two live records are called ${name}`,
    ),
    ...intents.flatMap(intent => wrongEvents(intent, events)),
  ]
}

function pathOf({ secret_id }: Row): string {
  return `data-sources/${secret_id}`
}

function wrongSecret(record: Row, secrets: Everything['secrets']): string[] {
  const data = secrets[pathOf(record)]?.data
  return data && data.type === record.type ? [] : [`the live record ${record.name} has no credentials`]
}

/** The audit trail must have one event with the outcome of each intent, or none if the intent changed nothing. */
function wrongEvents({ id, kind, state, outcome }: Row, events: readonly Row[]): string[] {
  const outcomes = events.filter(event => event.id === id).map(event => event.outcome)
  const should = kind === 'delete' ? 'done' : { done: 'done', none: 'failed', unknown: 'unknown' }[outcome as string]
  if (state !== 'closed' || outcomes.join() === should || (outcome === 'none' && outcomes.length === 0)) return []
  return [`the ${kind} ${id} ended as ${outcome}, but the audit trail has: ${outcomes.join() || 'nothing'}`]
}

function repeated(texts: readonly string[]): string[] {
  return texts.filter((text, n) => texts.indexOf(text) < n)
}
