import type { PostgresPool } from 'kysely'
import pg from 'pg'

/** A node of the plan that EXPLAIN (ANALYZE, FORMAT JSON) returns. */
interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Node[]
}

interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** Records every statement of dsctl that the pool runs. Rolls back the statements that write. */
export function recordStatements(pool: PostgresPool): { pool: PostgresPool; statements: Statement[] } {
  const statements: Statement[] = []
  const connect = async () => {
    const client = await pool.connect()
    const query = async (text: string, values: readonly unknown[]) => {
      if (text.includes('/* dsctl')) statements.push({ text, values })
      if (!/insert into/i.test(text)) return client.query(text, values)
      await client.query('begin', [])
      const answer = await client.query(text, values)
      await client.query('rollback', [])
      return answer
    }
    return { query: query as typeof client.query, release: () => client.release() }
  }
  return { pool: { connect, end: () => pool.end() }, statements }
}

/**
 * Runs a statement again in a transaction that is rolled back. Returns the parts of its plan whose cost grows with the
 * tables: a sequential scan, a step that visits more than `most` rows.
 */
export async function costlySteps(url: string, { text, values }: Statement, most: number): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN')
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, [...values])
    return nodesIn(rows[0]['QUERY PLAN'][0].Plan).flatMap(node => complaint(node, most))
  } finally {
    await client.end()
  }
}

/** These tables have few rows in a test. */
const SMALL = ['organizations', 'users', 'users_to_organizations', 'pending_operations', 'audit_events']

function complaint(node: Node, most: number): string[] {
  const kind = node['Node Type']
  const table = node['Relation Name']
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  const visited = (node['Actual Rows'] + removed) * node['Actual Loops']
  if (table && SMALL.includes(table)) return []
  if (kind === 'Seq Scan') return [`reads all of ${table}`]
  return visited > most ? [`${kind}${table ? ` on ${table}` : ''} visits ${visited} rows`] : []
}

function nodesIn(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesIn)]
}
