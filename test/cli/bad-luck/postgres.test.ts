import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALL_COMMANDS, COMMANDS, commandFailures, expectClean } from '../../support/command-failures.ts'
import { mainRequest, plainFields } from '../../support/examples.ts'
import { CUT_AFTER, CUT_BEFORE, hold, SWALLOW } from '../../support/faults.ts'
import { addIntent } from '../../support/intents.ts'
import { listen } from '../../support/listen.ts'
import type { ProxiedSite } from '../../support/proxied-site.ts'
import { json, jsonError, type RunResult } from '../../support/run.ts'
import { type ScratchDatabase, scratchDatabase } from '../../support/servers.ts'
import type { Site } from '../../support/site.ts'
import { eventsOf, expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../../support/stored.ts'

const { fixture, expectFailure, expectNothingDone } = commandFailures()
let site: Site
let proxied: ProxiedSite
let id: string

beforeAll(() => {
  ;({ site, proxied, id } = fixture)
})

describe('Postgres', () => {
  test('is down', async () => {
    await proxied.postgres.down()
    const failure = {
      exit: 7,
      code: 'unavailable',
      says: /Postgres at 127\.0\.0\.1:\d+\/\S+ cannot be reached: the connection was refused/,
      advises: /database\.url/,
    }
    await expectNothingDone({ env: proxied.env }, failure)
    await proxied.postgres.up()
  })

  test('answers nothing', async () => {
    proxied.postgres.freeze()
    for (const command of ALL_COMMANDS) {
      const failure = {
        exit: 7,
        code: 'unavailable',
        says: /Postgres at .* the connection timed out/,
        advises: /database\.url/,
      }
      const { before, after } = await expectFailure(command, { env: proxied.env }, failure, '1')
      expect(after).toEqual(before)
    }
  })

  test.each([
    ['before', CUT_BEFORE],
    ['after', CUT_AFTER],
  ])('breaks every connection %s it has done what it was asked', async (_, fault) => {
    proxied.postgres.at(/./, fault)
    const stdin = JSON.stringify(mainRequest)
    for (const command of ['list', 'get', 'create', 'update of credentials'] as const) {
      const result = await proxied.dsctl([...COMMANDS[command](id), '--timeout', '1', '-o', 'json'], { stdin })
      expectClean(result, 7, command)
      expect(jsonError(result).message).toMatch(/The connection to Postgres was lost before the statement completed/)
    }
    await proxied.restore()
    await expireLeases(site)
    const created = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
    expect(created.code, created.stderr).toBe(0)
    await site.dsctl(['delete', json(created).id, '--yes'])
    await site.dsctl(['update', id, '--host', plainFields.host])
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
  })

  test('does not answer a read', async () => {
    for (const [command, statement] of [
      ['list', /dsctl list/],
      ['get', /dsctl find/],
    ] as const) {
      proxied.postgres.at(statement, SWALLOW)
      const failure = { exit: 7, code: 'unavailable', says: /did not respond within 1 seconds/, advises: /--timeout/ }
      await expectFailure(command, { env: proxied.env }, failure, '1')
    }
    expect(proxied.postgres.events).toContain('cancel')
  })

  test('does not answer the first statement of a change, whose outcome is reported', async () => {
    for (const [command, statement, outcome] of [
      ['update of a name', /dsctl update \*/, 'unknown'],
      ['create', /begin create/, 'undoing'],
      ['update of credentials', /begin update/, 'undoing'],
    ] as const) {
      proxied.postgres.at(statement, SWALLOW)
      const failure = { exit: 7, code: 'unavailable', says: /did not respond within 1 seconds/, advises: /\S/, outcome }
      await expectFailure(command, { env: proxied.env }, failure, '1')
      await proxied.restore()
    }
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('has done a plain update whose answer is lost, as a retry finds', async () => {
    const audited = () => eventsOf(site, `action = 'update' AND data_source_id = $1`, [id])
    const before = await audited()
    const answers = [CUT_AFTER.after()]
    const once = { after: () => answers.shift() }
    proxied.postgres.at(/dsctl update \*/, once)
    const result = await proxied.dsctl(['update', id, '--set-env', 'prod', '-o', 'json'])
    expect(result).toMatchObject({ code: 0 })
    expect(json(result).env).toBe('prod')
    expect((await audited()).map(({ outcome }) => outcome)).toEqual([...before.map(({ outcome }) => outcome), 'done'])
    expect(answers).toEqual([])
    await site.dsctl(['update', id, '--set-env', 'dev'])
  })

  describe('loses the first try, and another process makes the same change', () => {
    /** Breaks the connection at a statement when `meanwhile` has been done; the statement arrives when it is let go. */
    function late(which: RegExp, meanwhile: () => Promise<unknown>) {
      const { before, release } = hold()
      let met = false
      proxied.postgres.at(which, {
        async before(statement) {
          if (met) return undefined
          met = true
          await meanwhile()
          statement.hangUp()
          return before()
        },
      })
      return release
    }

    const expectUnknown = (result: RunResult) => {
      expect(result, result.stdout).toMatchObject({ code: 7, stdout: '' })
      expect(jsonError(result)).toMatchObject({ outcome: 'unknown' })
    }

    test('of a plain update, which may still overwrite a later one', async () => {
      const env = async () => (await site.database.query('SELECT env FROM data_sources WHERE id = $1', [id]))[0].env
      const release = late(/dsctl update \*/, () => site.dsctl(['update', id, '--set-env', 'prod']))
      expectUnknown(await proxied.dsctl(['update', id, '--set-env', 'prod', '-o', 'json']))
      expect(await site.dsctl(['update', id, '--set-env', 'dev'])).toMatchObject({ code: 0 })
      release()
      await expect.poll(env).toBe('prod')
      await site.dsctl(['update', id, '--set-env', 'dev'])
    })

    test('of a delete by name, which may still find a later source', async () => {
      const stdin = JSON.stringify({ name: 'Twice', env: 'dev', type: 'postgres', ...plainFields })
      const make = async () => json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
      const first = await make()
      const owed = async () => {
        await site.database.query('UPDATE data_sources SET deleted_at = now() WHERE id = $1', [first])
        await addIntent(site, { kind: 'delete', state: 'open', id: first, name: 'Twice' })
      }
      const release = late(/begin delete/, owed)
      expectUnknown(await proxied.dsctl(['delete', 'Twice', '--yes', '-o', 'json']))
      await make()
      release()
      await expect.poll(async () => (await livePairs(site)).map(({ name }) => name)).toEqual(['Present'])
      await expireLeases(site)
      expect(await site.dsctl(['doctor', '--fix'])).toMatchObject({ code: 0 })
      expect(await orphanSecretsIn(site)).toEqual([])
    })
  })

  test('refuses the role', async () => {
    const { role, url } = await site.database.createRole()
    await site.database.query(`ALTER ROLE "${role}" NOLOGIN`)
    const unknown = new URL(url)
    unknown.username = 'dsctl_nobody'
    for (const refused of [url, unknown.href]) {
      const withPassword = new URL(refused)
      withPassword.password = 'MARKERpassword'
      const env = { DSCTL_DATABASE_URL: withPassword.href }
      const failure = {
        exit: 3,
        code: 'unauthenticated',
        says: /rejected the password of user|has no role|lacks the LOGIN attribute/,
        advises: /PGPASSWORD|PGUSER|ALTER ROLE/,
      }
      await expectNothingDone({ env }, failure, refused === url ? ALL_COMMANDS : ['list'])
    }
  })

  test('has no such database', async () => {
    const url = new URL(site.database.url)
    url.pathname = 'no_such_database'
    url.password = 'MARKERpassword'
    const failure = {
      exit: 2,
      code: 'invalid',
      says: /\/no_such_database has no such database/,
      advises: /database\.url/,
    }
    await expectNothingDone({ env: { DSCTL_DATABASE_URL: url.href } }, failure)
  })

  test('is somewhere else', async () => {
    const greeting = Buffer.from(`J\0\0\0\n8.0.30\0${'\0'.repeat(70)}`, 'latin1')
    const port = await listen(createServer(socket => socket.on('error', () => {}).write(greeting)))
    const other = `postgres://u:MARKERpassword@127.0.0.1:${port}/d`
    for (const [url, says] of [
      ['postgres://u:MARKERpassword@127.0.0.1:1/d', /127\.0\.0\.1:1\/d cannot be reached: the connection was refused/],
      ['postgres://u:MARKERpassword@no-such-host.invalid/d', /no-such-host\.invalid:5432\/d cannot be reached/],
      [
        site.vault.addr.replace('http://', 'postgres://u:MARKERpassword@'),
        /(the connection timed out|is not a Postgres server)/,
      ],
      // One that speaks first and does not hang up, as MySQL does.
      [other, /cannot be reached/],
      [`${other}?sslmode=require`, /cannot be reached/],
    ] as const) {
      const failure = { exit: 7, code: 'unavailable', says, advises: /database\.url/ }
      await expectFailure('list', { env: { DSCTL_DATABASE_URL: url } }, failure, '2')
    }
  })

  describe('is not prepared', () => {
    let empty: ScratchDatabase
    beforeAll(async () => {
      empty = await scratchDatabase()
    })
    afterAll(() => empty.drop())

    test('at all', async () => {
      const failure = { exit: 2, code: 'invalid', says: /not set up for dsctl/, advises: /dsctl init/ }
      await expectNothingDone({ env: { DSCTL_DATABASE_URL: empty.url } }, failure)
    })
  })
})
