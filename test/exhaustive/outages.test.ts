import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { beginOperation, type Kind, type Operation } from '../support/operations.ts'
import { POSTGRES_BIN } from '../support/own-servers.ts'
import { BAO_BIN, type OwnPostgres, type OwnVault, ownDatabase, ownVault } from '../support/own-stores.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { jsonError, type RunResult } from '../support/run.ts'
import { createSiteOn, type Site } from '../support/site.ts'
import { atStep, moments, STEPS, type Step, type When } from '../support/steps.ts'
import { eventsOf, everythingIn, expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'
import { vaultOn } from '../support/vault.ts'

// Real servers fail in real ways: sealed, frozen, slow, killed and restarted, read-only, out of connections. The proxies
// only detect the current step. Each command must end before the limit of the test, which would kill it by a signal. It
// must report the correct outcome, and settling must leave nothing open.

const HAS_SERVERS = BAO_BIN !== undefined && POSTGRES_BIN !== undefined

test.runIf(process.env.DSCTL_TEST_REQUIRE_SERVERS)('the servers of this suite can be started', () => {
  expect(HAS_SERVERS).toBe(true)
})

describe.skipIf(!HAS_SERVERS)('outages', () => {
  let postgres: OwnPostgres
  let vault: OwnVault
  let site: Site
  let proxied: ProxiedSite

  beforeAll(async () => {
    ;[postgres, vault] = await Promise.all([ownDatabase(), ownVault()])
    site = await createSiteOn(postgres.database, await vaultOn(vault, 'kv'))
    proxied = await proxySite(site, site.env.DSCTL_DATABASE_URL)
  })
  afterEach(() => proxied.restore())
  afterAll(async () => {
    proxied?.close()
    await postgres?.database.drop()
    postgres?.stop()
    vault?.stop()
  })

  const run = ({ args, stdin }: Operation, timeout: number) =>
    proxied.dsctl([...args, '--timeout', String(timeout), '-o', 'json'], { stdin })

  /** Runs an operation, and causes an event at one of its steps. */
  async function during(
    operation: Operation,
    at: { step: Step; when: When },
    { happen, timeout }: { happen: () => unknown; timeout: number },
  ): Promise<RunResult> {
    let happened = false
    atStep(proxied, at, async () => {
      happened = true
      const verdict = await happen()
      return verdict === 'cut' ? verdict : undefined
    })
    const result = await run(operation, timeout)
    await proxied.restore()
    expect(happened, result.stderr).toBe(true)
    expect(result.signal, result.stderr).toBe(null)
    return result
  }

  const stepOf = (kind: Kind, title: string): Step => {
    const step = STEPS[kind].find(each => each.title === title)
    if (!step) throw new Error(`${kind} has no step ${title}`)
    return step
  }
  const stateOf = async (name: string) => (await livePairs(site)).find(pair => pair.name === name)
  const summaryOf = (result: RunResult) => (result.code === 0 ? { exit_code: 0 } : jsonError(result))

  /** Settles after the leases end. Then nothing is open or orphaned, and a finished operation was audited once. */
  async function expectSettled({ kind, name, was, becomes }: Operation, done: boolean) {
    await expireLeases(site)
    const doctor = await site.dsctl(['doctor', '--fix'])
    expect(doctor.code, doctor.stdout + doctor.stderr).toBe(0)
    expect(await stateOf(name)).toEqual(done ? becomes : was)
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
    const events = await eventsOf(site, `action = $1 AND data_source_name = $2 AND outcome = 'done'`, [kind, name])
    expect(events).toHaveLength(done ? 1 : 0)
  }

  async function expectDone(operation: Operation, result: RunResult) {
    expect(summaryOf(result)).toEqual({ exit_code: 0 })
    await expectSettled(operation, true)
  }

  const OPERATIONS = ['create', 'update', 'delete'] as const

  describe('Vault', () => {
    afterEach(async () => {
      vault.thaw()
      await vault.unseal()
    })

    test('is sealed: nothing is done, and each command reports it', async () => {
      const all = [...(await Promise.all(OPERATIONS.map(kind => beginOperation(site, kind)))), await applying(2)]
      const before = await everythingIn(site)
      await vault.seal()
      for (const operation of all) {
        const result = await run(operation, 1)
        expect(summaryOf(result)).toMatchObject({ exit_code: 7, message: 'Vault is sealed.', outcome: 'none' })
        expect(jsonError(result).hint).toMatch(/unseal/)
      }
      await vault.unseal()
      expect(await everythingIn(site)).toEqual(before)
      for (const operation of all) expect((await run(operation, 10)).code).toBe(0)
    })

    const away = {
      sealed: {
        happen: () => vault.seal(),
        back: () => vault.unseal(),
        message: /Vault is sealed|did not answer in time/,
      },
      frozen: { happen: () => vault.freeze(), back: async () => vault.thaw(), message: /did not answer in time/ },
    }
    const OWING = Object.entries(away).flatMap(([state, how]) =>
      [
        { kind: 'create', title: 'write secret', outcome: 'undoing' },
        { kind: 'update', title: 'read secret', outcome: 'none' },
        { kind: 'update', title: 'write secret', outcome: 'undoing' },
        { kind: 'delete', title: 'remove secret', outcome: 'owed' },
      ].map(step => ({ state, ...how, ...step, kind: step.kind as Kind })),
    )
    test.each(OWING)('is $state from $title of a $kind: $outcome, settled after recovery', async each => {
      const operation = await beginOperation(site, each.kind)
      const at = { step: stepOf(each.kind, each.title), when: 'before' as const }
      const result = await during(operation, at, { happen: each.happen, timeout: each.outcome === 'none' ? 5 : 1 })
      await each.back()
      expect(summaryOf(result)).toMatchObject({
        exit_code: 7,
        outcome: each.outcome,
        message: expect.stringMatching(each.message),
      })
      const { hint } = jsonError(result)
      if (each.outcome === 'undoing') expect(hint).toMatch(/dsctl doctor --fix to settle it/)
      if (each.outcome === 'owed')
        expect(hint).toMatch(/run dsctl delete \S+ again, or dsctl doctor --fix, to remove the secret/)
      if (each.outcome === 'owed')
        expect(jsonError(result).message).toMatch(/deleted, but its secret is still in Vault/)
      await expectSettled(operation, each.outcome === 'owed')
    })

    test('is sealed at secret removal: reported as owed, and repeating the delete removes it', async () => {
      const operation = await beginOperation(site, 'delete')
      atStep(
        proxied,
        { step: stepOf('delete', 'remove secret'), when: 'before' },
        async () => void (await vault.seal()),
      )
      const first = await proxied.dsctl([...operation.args, '--timeout', '2'])
      await proxied.restore()
      expect(first).toMatchObject({ code: 7, stdout: '' })
      expect(first.stderr).toMatch(
        /^dsctl: The data source is deleted, but its secret is still in Vault\. Vault is sealed\.\n/,
      )
      expect(first.stderr).toMatch(/Once Vault is available, run dsctl delete \S+ again, or dsctl doctor --fix/)
      await vault.unseal()
      expect(await orphanSecretsIn(site)).toHaveLength(1)
      expect(await run(operation, 10)).toMatchObject({ code: 0 })
      expect(await orphanSecretsIn(site)).toEqual([])
      expect(await openIntentsIn(site)).toEqual([])
    })

    const inVault = OPERATIONS.flatMap(kind =>
      moments(kind)
        .filter(({ step }) => step.server === 'vault')
        .map(moment => ({ kind, ...moment })),
    )
    test.each(inVault)(
      'is killed and restarted $at of a $kind: the operation succeeds',
      async ({ kind, step, when }) => {
        const operation = await beginOperation(site, kind)
        let back: Promise<void> | undefined
        const happen = async () => {
          await vault.kill()
          back = vault.start().then(vault.unseal)
          return when === 'after' ? 'cut' : undefined
        }
        const result = await during(operation, { step, when }, { happen, timeout: 20 })
        await back
        await expectDone(operation, result)
      },
    )

    test('is slow, within the timeout: all operations succeed', async () => {
      const operations = await Promise.all(OPERATIONS.map(kind => beginOperation(site, kind)))
      const end = vault.slow()
      const results = []
      for (const operation of operations) results.push(await run(operation, 10))
      end()
      await new Promise(resolve => setTimeout(resolve, 200))
      for (const [at, operation] of operations.entries()) await expectDone(operation, results[at] as RunResult)
    })
  })

  describe('Postgres', () => {
    const inPostgres = OPERATIONS.flatMap(kind =>
      moments(kind)
        .filter(({ step }) => step.server === 'postgres')
        .map(moment => ({ kind, ...moment })),
    )
    test.each(inPostgres)('is restarted $at of a $kind: the operation succeeds once', async ({ kind, step, when }) => {
      const operation = await beginOperation(site, kind)
      let back: Promise<void> | undefined
      const happen = () => {
        back = postgres.restart()
        return when === 'after' ? ('cut' as const) : back
      }
      const result = await during(operation, { step, when }, { happen, timeout: 20 })
      await back
      await expectDone(operation, result)
    })

    test.each(
      (['pg_cancel_backend', 'pg_terminate_backend'] as const).flatMap(how =>
        inPostgres.filter(({ when }) => when === 'before').map(each => ({ how, ...each })),
      ),
    )('ends $step.title of a $kind by $how: done, or nothing is done', async each => {
      const operation = await beginOperation(site, each.kind)
      const killer = killing(each.how)
      const result = await during(operation, each, { happen: killer.arm, timeout: 10 })
      await killer.done()
      // A begin that certainly failed is reported at once, because nothing has begun.
      if (each.how === 'pg_cancel_backend' && each.step.title === 'begin') {
        expect(summaryOf(result)).toMatchObject({
          exit_code: 7,
          outcome: 'none',
          message: expect.stringMatching(/canceling/),
        })
        await expectSettled(operation, false)
      } else await expectDone(operation, result)
    })

    /** Makes the next statement wait for a lock, ends it there, and releases the lock. */
    function killing(how: string) {
      let done: Promise<void> = Promise.resolve()
      const lock = async () => {
        const client = new pg.Client({ connectionString: postgres.database.url })
        await client.connect()
        await client.query('BEGIN; LOCK TABLE dsctl.pending_operations IN ACCESS EXCLUSIVE MODE')
        return client
      }
      const kill = async (holder: pg.Client) => {
        const waiting = `SELECT ${how}(pid) FROM pg_stat_activity
          WHERE wait_event_type = 'Lock' AND usename <> current_user`
        for (let tries = 0; tries < 200; tries++) {
          if ((await postgres.database.query(waiting)).length) break
          await new Promise(resolve => setTimeout(resolve, 25))
        }
        await holder.query('ROLLBACK')
        await holder.end()
      }
      return {
        async arm() {
          done = kill(await lock())
        },
        done: () => done,
      }
    }

    const writable = async (yes: boolean) => {
      const setting = 'default_transaction_read_only'
      await postgres.database.query(`ALTER SYSTEM SET ${setting} = ${yes ? 'off' : 'on'}`)
      await postgres.database.query('SELECT pg_reload_conf()')
      await expect
        .poll(async () => (await postgres.database.query(`SHOW ${setting}`))[0][setting])
        .toBe(yes ? 'off' : 'on')
    }

    test('is read-only: reads work, and no change begins', async () => {
      const all = [...(await Promise.all(OPERATIONS.map(kind => beginOperation(site, kind)))), await applying(2)]
      const before = await everythingIn(site)
      await writable(false)
      for (const operation of all.slice(0, 3)) {
        const message = 'Postgres accepts no writes: the server is a standby, or read-only.'
        expect(summaryOf(await run(operation, 2))).toMatchObject({ exit_code: 7, message, outcome: 'none' })
      }
      expect((await run(all[3] as Operation, 2)).code).toBe(8)
      const [, { name }] = all as [Operation, Operation]
      expect(await site.dsctl(['get', name])).toMatchObject({ code: 0, stderr: expect.stringContaining('audit trail') })
      expect(await site.dsctl(['list'])).toMatchObject({ code: 0 })
      await writable(true)
      expect(await everythingIn(site)).toEqual(before)
      for (const operation of all) expect((await run(operation, 10)).code).toBe(0)
    })

    test.each([
      { kind: 'create', title: 'commit', outcome: 'undoing' },
      { kind: 'update', title: 'record base version', outcome: 'undoing' },
      { kind: 'update', title: 'commit', outcome: 'undoing' },
      { kind: 'delete', title: 'close', outcome: undefined },
    ] as const)('is read-only from $title of a $kind: rolled back once writes work again', async each => {
      const operation = await beginOperation(site, each.kind)
      const at = { step: stepOf(each.kind, each.title), when: 'before' as const }
      const result = await during(operation, at, { happen: () => writable(false), timeout: 2 })
      await writable(true)
      // A delete is done when its secret is gone. Its intent can close later.
      if (each.outcome === undefined) return expectDone(operation, result)
      expect(summaryOf(result)).toMatchObject({ exit_code: 7, outcome: each.outcome })
      expect(jsonError(result).hint).toMatch(/dsctl doctor --fix to settle it/)
      await expectSettled(operation, false)
    })

    const pause = () => new Promise(resolve => setTimeout(resolve, 50))
    const connection = async (): Promise<pg.Client | undefined> => {
      const client = new pg.Client({ connectionString: site.env.DSCTL_DATABASE_URL })
      client.on('error', () => {})
      return client.connect().then(
        () => client,
        () => undefined,
      )
    }

    /** Opens every connection that the application's role can have. Returns a function that closes them. */
    async function fill(): Promise<() => Promise<void>> {
      const clients: pg.Client[] = []
      // A closed connection still counts against the limit for a short time.
      for (let refused = 0; refused < 6; ) {
        const client = await connection()
        if (client) clients.push(client)
        else refused++
        if (!client) await pause()
      }
      return async () => {
        await Promise.all(clients.map(each => each.end()))
        for (let free = false; !free; await pause()) {
          const enough = await Promise.all([1, 2, 3, 4].map(connection))
          free = enough.every(each => each)
          await Promise.all(enough.map(each => each?.end()))
        }
      }
    }

    test('has no connections left: nothing is done', async () => {
      const all = [...(await Promise.all(OPERATIONS.map(kind => beginOperation(site, kind)))), await applying(2)]
      const before = await everythingIn(site)
      const free = await fill()
      for (const operation of all) {
        const result = await run(operation, 2)
        expect(summaryOf(result)).toMatchObject({ exit_code: 7, outcome: 'none' })
        expect(jsonError(result).message).toMatch(/cannot be reached: too many connections/)
      }
      await free()
      expect(await everythingIn(site)).toEqual(before)
      for (const operation of all) expect((await run(operation, 10)).code).toBe(0)
    })

    test.each([
      { kind: 'create', title: 'commit' },
      { kind: 'update', title: 'commit' },
    ] as const)('drops the connection at $title of a $kind and accepts none for a while', async ({ kind, title }) => {
      for (const comesBack of [true, false]) {
        const operation = await beginOperation(site, kind)
        let free = async () => {}
        let freed = Promise.resolve()
        const happen = async () => {
          await proxied.postgres.down()
          free = await fill()
          await proxied.postgres.up()
          if (comesBack) freed = new Promise(resolve => setTimeout(resolve, 500)).then(free)
          return 'cut'
        }
        const at = { step: stepOf(kind, title), when: 'before' as const }
        const result = await during(operation, at, { happen, timeout: comesBack ? 10 : 1 })
        if (comesBack) {
          await freed
          await expectDone(operation, result)
          continue
        }
        await free()
        expect(summaryOf(result)).toMatchObject({ exit_code: 7, outcome: 'unknown' })
        expect(jsonError(result).hint).toMatch(/dsctl doctor --fix to settle it/)
        await expectSettled(operation, false)
      }
    })
  })

  /** An apply of new records. Only its exit code is checked. */
  async function applying(count: number): Promise<Operation> {
    const name = `apply ${randomUUID()}`
    const requests = Array.from({ length: count }, (_, at) => ({
      ...{ name: `${name} ${at}`, env: 'dev', type: 'postgres' },
      ...plainFields,
    }))
    const stdin = JSON.stringify(requests)
    return { kind: 'create', name, args: ['apply', '-f', '-'], stdin, was: undefined, becomes: undefined }
  }
})
