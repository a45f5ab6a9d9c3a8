import type { Site } from './site.ts'

/** Everything that dsctl may have written, sorted, so that two snapshots can be compared. */
export interface Everything {
  readonly records: readonly Row[]
  readonly intents: readonly Row[]
  readonly events: readonly Row[]
  /** By path below the mount; `data` is undefined if there is only metadata or a soft-deleted version. */
  readonly secrets: Readonly<Record<string, { version: number; data: Record<string, unknown> } | undefined>>
}

// biome-ignore lint/suspicious/noExplicitAny: each test expects its own columns, and fails if they differ
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

/** The live records by name, each with its secret: what a user of the application sees. */
export async function livePairs(site: Stores): Promise<Row[]> {
  const { records, secrets } = await everythingIn(site)
  return records
    .filter(record => record.deleted_at === null)
    .map(({ name, env, type, secret_id }) => ({ name, env, type, secret: secrets[`data-sources/${secret_id}`]?.data }))
    .sort((a, b) => `${a.name}/${a.env}`.localeCompare(`${b.name}/${b.env}`))
}

/** The secrets that belong to no live record. */
export async function orphanSecretsIn(site: Stores): Promise<string[]> {
  const { records, secrets } = await everythingIn(site)
  const known = records.filter(record => record.deleted_at === null).map(record => `data-sources/${record.secret_id}`)
  return Object.keys(secrets).filter(path => !known.includes(path))
}

export async function openIntentsIn(site: Stores): Promise<Row[]> {
  return (await rowsOf(site, 'dsctl.pending_operations', 'created_at')).filter(intent => intent.state !== 'closed')
}

/** Makes every lease expire. */
export async function expireLeases({ database }: Stores): Promise<void> {
  await database.query(
    `UPDATE dsctl.pending_operations SET expires_at = now() - interval '1 s' WHERE state <> 'closed'`,
  )
}

/** The audit events, oldest first, with the columns that tests use. */
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
