import { randomUUID } from 'node:crypto'
import type { Site } from './site.ts'

/** An intent without its actor and times. Its lease has expired unless it is in progress. */
export interface Intent {
  readonly kind: 'create' | 'update' | 'delete'
  readonly state: 'open' | 'undoing' | 'closed'
  readonly outcome?: 'done' | 'none' | 'unknown'
  /** The id of the data source and of its secret. */
  readonly id: string
  readonly name?: string
  readonly baseVersion?: number
  readonly underWay?: boolean
  readonly closedAgo?: string
  readonly organizationId?: string
}

/** Inserts an intent as a crashed or a running process leaves it. Returns its id. */
export async function addIntent(site: Pick<Site, 'database' | 'organization' | 'admin'>, intent: Intent) {
  const { kind, state, outcome, id, baseVersion, underWay, closedAgo = '1 day' } = intent
  const name = intent.name ?? `of ${id}`
  const closed = state === 'closed'
  const intentId = randomUUID()
  await site.database.query(
    `INSERT INTO dsctl.pending_operations (id, kind, state, outcome, data_source_id, secret_id, organization_id,
       old_name, old_env, new_name, new_env, fields, base_version, actor_id, actor_email, actor_source, client,
       created_at, expires_at, closed_at)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $7, CASE WHEN $7::text IS NULL THEN NULL ELSE 'dev' END, $8,
       CASE WHEN $8::text IS NULL THEN NULL ELSE 'dev' END, '{host}', $9, $10, $11, 'a test', 'dsctl on elsewhere',
       now() - interval '60 days', now() + ($12 || ' minutes')::interval,
       CASE WHEN $13 THEN now() - $14::interval END)`,
    [
      ...[intentId, kind, state, closed ? (outcome ?? 'done') : null, id],
      ...[intent.organizationId ?? site.organization.id, kind === 'create' ? null : name],
      ...[kind === 'create' ? name : null, baseVersion ?? null, site.admin.id, site.admin.email],
      ...[underWay ? '5' : '-5', closed, closedAgo],
    ],
  )
  return intentId
}
