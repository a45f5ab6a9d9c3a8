import type { Site } from './site.ts'

/** The JSON document that create, get and update print for a record, built from its rows in Postgres. */
export async function answerOf(
  site: Pick<Site, 'database' | 'admin'>,
  id: string,
  credentials: Readonly<Record<string, unknown>> | null,
): Promise<string> {
  const utc = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ${column}`
  const [row] = await site.database.query(
    `SELECT id, name, type AS db_type, ${utc('created_at')}, ${utc('updated_at')}, env, onboarding_status,
       onboarding_error FROM data_sources WHERE id = $1`,
    [id],
  )
  const { name, db_type, created_at, updated_at, env, onboarding_status, onboarding_error } = row
  const { id: adminId, email } = site.admin
  const document = {
    id,
    name,
    db_type,
    created_at,
    updated_at,
    created_by: { id: adminId, email, name: null },
    credentials,
    data_sets: [],
    env,
    onboarding_status,
    onboarding_error,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
