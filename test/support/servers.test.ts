import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ScratchDatabase, scratchDatabase } from './servers.ts'

let database: ScratchDatabase

beforeAll(async () => {
  database = await scratchDatabase()
  await database.query('CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL)')
  await database.query('INSERT INTO counter VALUES (1, 0)')
})
afterAll(() => database.drop())

async function connected<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

test('concurrent statements of many connections do not mix', async () => {
  const asked = Array.from({ length: 20 }, (_, i) => i)
  const answers = asked.map(i =>
    connected(database.url, async client => {
      const sums: number[] = []
      for (let j = 0; j < 10; j++)
        sums.push((await client.query(`SELECT $1::int + ${j} AS "sum${i}"`, [i])).rows[0][`sum${i}`])
      return sums.every((sum, j) => sum === i + j)
    }),
  )
  expect(await Promise.all(answers)).toEqual(asked.map(() => true))
})

test('transactions of several connections lose no update', async () => {
  const add = () =>
    connected(database.url, async client => {
      await client.query('BEGIN')
      const { rows } = await client.query('SELECT n FROM counter WHERE id = $1 FOR UPDATE', [1])
      await client.query('UPDATE counter SET n = $1 WHERE id = 1', [rows[0].n + 1])
      await client.query('COMMIT')
    })
  await Promise.all(Array.from({ length: 10 }, add))
  expect(await database.query('SELECT n FROM counter')).toEqual([{ n: 10 }])
})

test('a connection that closes in a transaction is rolled back', async () => {
  const client = new pg.Client({ connectionString: database.url })
  client.on('error', () => {})
  await client.connect()
  await client.query('BEGIN')
  await client.query('INSERT INTO counter VALUES (2, 0)')
  await client.end()
  expect(await database.query('SELECT id FROM counter')).toEqual([{ id: 1 }])
})

test('an error has its code and leaves the connection usable', async () => {
  await connected(database.url, async client => {
    await expect(client.query('SELECT nothing FROM counter WHERE id = $1', [1])).rejects.toMatchObject({
      code: '42703',
    })
    await expect(client.query('nonsense')).rejects.toMatchObject({ code: '42601' })
    expect((await client.query('SELECT $1::text AS x', ['y'])).rows).toEqual([{ x: 'y' }])
  })
})

test('a new role has only the granted privileges', async () => {
  const { role, url } = await database.createRole()
  await connected(url, async client => {
    expect((await client.query('SELECT current_user::text AS me, session_user::text AS also')).rows).toEqual([
      { me: role, also: role },
    ])
    await expect(client.query('SELECT n FROM counter')).rejects.toMatchObject({ code: '42501' })
    await database.query(`GRANT SELECT ON counter TO "${role}"`)
    expect((await client.query('SELECT id FROM counter')).rows).toEqual([{ id: 1 }])
    await expect(client.query('DELETE FROM counter')).rejects.toMatchObject({ code: '42501' })
  })
  expect(await database.query('SELECT current_user::text AS me')).toEqual([{ me: 'postgres' }])
})

test('an unknown database and an unknown role are rejected with the codes of Postgres', async () => {
  const other = new URL(database.url)
  other.pathname = 'no_such_database'
  await expect(connected(other.href, async () => {})).rejects.toMatchObject({ code: '3D000' })
  const nobody = new URL(database.url)
  nobody.username = 'no_such_role'
  await expect(connected(nobody.href, async () => {})).rejects.toMatchObject({ code: '28000' })
})

test('two databases are independent', async () => {
  const other = await scratchDatabase()
  expect(await other.query("SELECT to_regclass('counter') AS found")).toEqual([{ found: null }])
  await other.drop()
})
