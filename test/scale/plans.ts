import type { PostgresPool } from 'kysely'
import pg from 'pg'

/** One node of what EXPLAIN (ANALYZE, FORMAT JSON) answers. */
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

/** The pool, and every statement that goes through it; what one writes is taken back. */
export function recording(pool: PostgresPool): { pool: PostgresPool; statements: Statement[] } {
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
 * Runs a statement again, as Postgres plans it for these values, takes it back, and answers what in its plan costs more
 * the more rows there are: a table that is read from end to end, a sort, a step that looks at more than `most` rows.
 */
export async function costly(url: string, { text, values }: Statement, most: number): Promise<string[]> {
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

/** Of these a test has a handful. */
const SMALL = ['organizations', 'users', 'users_to_organizations', 'pending_operations', 'audit_events']

function complaint(node: Node, most: number): string[] {
  const kind = node['Node Type']
  const table = node['Relation Name']
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  const looked = (node['Actual Rows'] + removed) * node['Actual Loops']
  if (table && SMALL.includes(table)) return []
  if (kind === 'Seq Scan') return [`reads all of ${table}`]
  return looked > most ? [`${kind}${table ? ` on ${table}` : ''} looks at ${looked} rows`] : []
}

function nodesIn(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesIn)]
}
