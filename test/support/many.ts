import { Agent, request } from 'node:http'
import type { Site } from './site.ts'

const AT_ONCE = 32

/** Adds live records with this secret, as the application does, in one statement and many requests to Vault. */
export async function addMany(
  { database, vault, organization, admin }: Site,
  number: number,
  data: Record<string, unknown>,
): Promise<readonly string[]> {
  const rows = await database.query(
    `INSERT INTO data_sources (id, secret_id, name, type, env, organization_id, created_by, updated_by)
     SELECT id, id, 'Many ' || id, 'postgres', 'dev', $2, $3, $3
     FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1::int)) n RETURNING id`,
    [number, organization.id, admin.id],
  )
  const ids = rows.map(({ id }) => String(id))
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const body = JSON.stringify({ data })
  const left = ids.values()
  const work = async () => {
    for (const id of left) await post(`${vault.addr}/v1/${vault.mount}/data/data-sources/${id}`, vault.rootToken)
  }
  const post = (url: string, token: string) =>
    new Promise<void>((resolve, reject) => {
      const headers = { 'X-Vault-Token': token, 'Content-Length': Buffer.byteLength(body) }
      const sent = request(url, { method: 'POST', headers, agent }, answer => {
        answer.resume()
        answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))))
      })
      sent.on('error', reject)
      sent.end(body)
    })
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  agent.destroy()
  return ids
}
