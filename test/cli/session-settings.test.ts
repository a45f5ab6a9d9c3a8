import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApplicationSite, applicationSite } from '../support/application.ts'
import { creation } from '../support/requests.ts'
import { json, jsonError } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { openIntentsIn } from '../support/stored.ts'

// Settings of the database or the role that change how Postgres runs a statement. A single session, as in PGlite, has no
// settings of its own.

const request = (name: string) => ({
  ...{ name, env: 'dev', type: 'mysql', host: 'h', username: 'u', password: 'p', default_database: 'd' },
})

describe.skipIf(!REAL_POSTGRES)('With settings of the database', () => {
  let shop: ApplicationSite

  beforeAll(async () => {
    shop = await applicationSite()
    await shop.init()
  })
  afterAll(() => shop?.drop())

  async function setting(name: string, value: string): Promise<void> {
    await shop.database.query(`DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET ${name} = %L', current_database(), '${value}'); END $$`)
  }

  async function reset(): Promise<void> {
    await shop.database.query(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ALL', current_database()); END $$`)
  }

  const create = (name: string) => {
    const { args, stdin } = creation(request(name))
    return shop.dsctl(args, { stdin })
  }

  test.each([
    ['default_transaction_isolation', 'serializable'],
    ['default_transaction_isolation', 'repeatable read'],
    ['statement_timeout', '1ms'],
    ['lock_timeout', '1ms'],
    ['idle_in_transaction_session_timeout', '1ms'],
    ['DateStyle', 'German, DMY'],
    ['DateStyle', 'SQL, MDY'],
    ['IntervalStyle', 'sql_standard'],
    ['TimeZone', 'Asia/Kolkata'],
    ['standard_conforming_strings', 'off'],
    ['bytea_output', 'escape'],
    ['extra_float_digits', '-15'],
    ['client_encoding', 'LATIN1'],
    ['quote_all_identifiers', 'on'],
    ['row_security', 'off'],
  ])('%s = %s, every command does the same', async (name, value) => {
    await setting(name, value)
    const title = `Größe ${name} ${value}`
    const created = await create(title)
    expect(created.code, created.stderr).toBe(0)
    const { id, created_at } = json(created)
    expect(Math.abs(Date.now() - Date.parse(created_at))).toBeLessThan(600_000)
    const stdin = JSON.stringify([request(title), request(`${title} 2`)])
    for (const args of [
      ['get', title],
      ['list', '--all', '--search', 'größe'],
      ['update', id, '--host', 'h2'],
      ['update', id, '--set-env', 'prod'],
      ['update', id, '--set-env', 'dev'],
      ['onboarding', id, 'inProgress'],
      ['apply', '-f', '-'],
      ['diff', '-f', '-'],
      ['export'],
      ['audit', '--since', '1h', '--source', id],
      ['doctor', '--deep'],
      ['delete', id, '--yes'],
    ]) {
      const result = await shop.dsctl(args, args.includes('-') ? { stdin } : {})
      expect(result.code, `${args.join(' ')}: ${result.stderr}${result.stdout}`).toBe(0)
    }
    await reset()
  })

  test.each(['serializable', 'repeatable read'])('concurrent commands all succeed at %s', async level => {
    await setting('default_transaction_isolation', level)
    const results = await Promise.all([...Array(8).keys()].map(n => create(`${level} ${n}`)))
    expect(results.map(({ code }) => code)).toEqual(Array(8).fill(0))
    expect(await openIntentsIn(shop)).toEqual([])
    await reset()
  })

  test('options of the user override them', async () => {
    const url = `${shop.database.url}?options=${encodeURIComponent('-c default_transaction_read_only=on')}`
    const { args, stdin } = creation(request('Refused'))
    const refused = jsonError(await shop.dsctl(args, { stdin, env: { DSCTL_DATABASE_URL: url } }))
    expect(refused).toMatchObject({ exit_code: 7, message: expect.stringContaining('accepts no writes') })
  })

  test('default_transaction_read_only is named as the reason', async () => {
    await setting('default_transaction_read_only', 'on')
    const error = jsonError(await create('Refused'))
    expect(error).toMatchObject({ exit_code: 7, hint: expect.stringContaining('default_transaction_read_only') })
    expect((await shop.dsctl(['list'])).code).toBe(0)
    await shop.database.query('SET default_transaction_read_only = off')
    await reset()
  })
})
