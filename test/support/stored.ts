import type { Site } from './site.ts'

/** All that dsctl can have written, in an order of its own, so that two of these can be compared. */
export interface Everything {
  readonly records: readonly Row[]
  readonly intents: readonly Row[]
  readonly events: readonly Row[]
  /** By path below the mount; `data` is undefined where only metadata, or a soft-deleted version, is there. */
  readonly secrets: Readonly<Record<string, { version: number; data: Record<string, unknown> } | undefined>>
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever row it expects, and fails where it is not so
export type Row = Record<string, any>

type Stores = Pick<Site, 'database' | 'vault'>

export async function everythingIn(site: Stores): Promise<Everything> {
  const [records, intents, events, secrets] = await Promise.all([
    rowsOf(site, 'data_sources', 'created_at'),
    rowsOf(site, 'dsctl.pending_operations', 'created_at'),
    rowsOf(site, 'dsctl.audit_events', 'at'),
    secretsIn(site),
  ])
  return { records, intents, events, secrets }
}

/** The live records by name, each with the secret it leads to: what a user of the application can see. */
export async function livePairs(site: Stores): Promise<Row[]> {
  const { records, secrets } = await everythingIn(site)
  return records
    .filter(record => record.deleted_at === null)
    .map(({ name, env, type, secret_id }) => ({ name, env, type, secret: secrets[`data-sources/${secret_id}`]?.data }))
    .sort((a, b) => `${a.name}/${a.env}`.localeCompare(`${b.name}/${b.env}`))
}

/** The secrets that no live record leads to. */
export async function orphanSecretsIn(site: Stores): Promise<string[]> {
  const { records, secrets } = await everythingIn(site)
  const known = records.filter(record => record.deleted_at === null).map(record => `data-sources/${record.secret_id}`)
  return Object.keys(secrets).filter(path => !known.includes(path))
}

export async function openIntentsIn(site: Stores): Promise<Row[]> {
  return (await rowsOf(site, 'dsctl.pending_operations', 'created_at')).filter(intent => intent.state !== 'closed')
}

/** Ends every lease, as time would. */
export async function expireLeases({ database }: Stores): Promise<void> {
  await database.query(
    `UPDATE dsctl.pending_operations SET expires_at = now() - interval '1 s' WHERE state <> 'closed'`,
  )
}

/** The audit events, oldest first, in the columns that tests look at. */
export async function eventsOf(site: Stores, where = 'true', params: readonly unknown[] = []): Promise<Row[]> {
  return site.database.query(
    `SELECT action, outcome, data_source_name AS name, fields, before, after, actor_email, settled_by
     FROM dsctl.audit_events WHERE ${where} ORDER BY at, id`,
    params,
  )
}

async function rowsOf({ database }: Stores, table: string, order: string): Promise<Row[]> {
  const rows = await database.query(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY ${order}, id`)
  return rows.map(({ row }) => row)
}

async function secretsIn({ vault }: Stores): Promise<Everything['secrets']> {
  const folder = 'data-sources'
  const names = await vault.listSecrets(folder)
  const paths = names.sort().map(name => `${folder}/${name}`)
  return Object.fromEntries(await Promise.all(paths.map(async path => [path, await vault.readSecret(path)])))
}
