// Compares `list` and `get` in a database of a million data sources with the same commands in one of a hundred.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { compare, peakMemory } from './measure.js'
import { prepareServers } from './servers.js'

const FILL = readFileSync(new URL('../support/many-rows.sql', import.meta.url), 'utf8')
const MANY = Number(process.env.BENCH_ROWS ?? 1_000_000)

/** Fills both databases and compares the commands; undefined if no servers are configured. */
export async function compareScale(bin, pairs) {
  const many = await prepareServers(bin, '_many')
  const few = many && (await prepareServers(bin, '_few'))
  if (!few) return undefined
  try {
    await fill(bin, many, { rows: MANY, mine: MANY / 10 })
    await fill(bin, few, { rows: 100, mine: 100 })
    const args = (...command) => [bin, ...command, '--org', 'Bench', '-o', 'json']
    const both = command => compare(command, command, { pairs, env: many.env, measureEnv: few.env })
    return {
      list: both(args('list')),
      get: both(args('get', 'Benched')),
      memory: peakMemory(args('list', '--all'), many.env) / peakMemory(args('list', '--all'), few.env),
    }
  } finally {
    await many.drop()
    await few.drop()
  }
}

async function fill(bin, { env, url, create }, { rows, mine }) {
  const client = new pg.Client(url)
  await client.connect()
  await client.query("UPDATE organizations SET name = 'Acme'")
  await client.query(`SET fill.rows = ${rows}; SET fill.mine = ${mine}; ${FILL}`)
  await client.query("UPDATE organizations SET name = 'Bench' WHERE name = 'Acme'")
  await client.end()
  const [, , , ...rest] = create()
  const { status, stderr } = spawnSync(process.execPath, [bin, 'create', 'Benched', '--org', 'Bench', ...rest], { env })
  if (status !== 0) throw new Error(String(stderr))
}
