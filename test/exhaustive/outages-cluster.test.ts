import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { plainFields, plainStored } from '../support/examples.ts'
import { BAO_BIN, type OwnCluster, ownCluster } from '../support/own-stores.ts'
import { json, type RunResult } from '../support/run.ts'
import { REAL_POSTGRES, scratchDatabase } from '../support/servers.ts'
import { createSiteOn, type Site } from '../support/site.ts'
import { eventsOf, expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'
import { vaultOn } from '../support/vault.ts'
import { type VaultProxy, vaultProxy } from '../support/vault-proxy.ts'

// Three OpenBao nodes, whose leader is killed in the middle of an apply. dsctl talks to one that stays: it finds no
// leader for a while, and then another.

const HAS_CLUSTER = BAO_BIN !== undefined && REAL_POSTGRES

describe.skipIf(!HAS_CLUSTER)('a cluster whose leader is killed', () => {
  let cluster: OwnCluster
  let site: Site
  let proxy: VaultProxy
  let node = 0
  let killed: number | undefined

  beforeAll(async () => {
    const [database, started] = await Promise.all([scratchDatabase(), ownCluster()])
    cluster = started
    proxy = await vaultProxy(() => cluster.addrs[node] ?? '')
    await useLeader()
    site = await createSiteOn(database, await vaultOn({ addr: proxy.addr, rootToken: cluster.rootToken }, 'kv'))
  })
  afterEach(async () => {
    proxy.clear()
    if (killed !== undefined) await cluster.revive(killed)
    killed = undefined
  })
  afterAll(async () => {
    proxy?.close()
    await site?.database.drop()
    cluster?.stop()
  })

  // A standby may read what is a moment old.
  async function useLeader(): Promise<void> {
    node = await cluster.leader()
  }

  async function useStandby(): Promise<void> {
    node = ((await cluster.leader()) + 1) % cluster.addrs.length
    const asked = () => site.vault.request('GET', 'auth/token/lookup-self', { token: site.env.VAULT_TOKEN ?? '' })
    await expect.poll(async () => (await asked()).status, { timeout: 20_000 }).toBe(200)
  }

  const COUNT = 12
  const requests = (env: string, more: object) =>
    Array.from({ length: COUNT }, (_, at) => ({ name: `Source ${at}`, env, type: 'postgres', ...plainFields, ...more }))
  const apply = (all: readonly object[], timeout: number) =>
    site.dsctl(['apply', '-f', '-', '--parallel', '3', '--timeout', String(timeout), '-o', 'json'], {
      stdin: JSON.stringify(all),
      timeout: 50_000,
    })
  const pairsIn = async (env: string) => (await livePairs(site)).filter(pair => pair.env === env)

  /** Applies, and kills the leader when so many secrets have been written. */
  async function applyAndKill(all: readonly object[], writes: number, timeout: number): Promise<RunResult> {
    const leader = await cluster.leader()
    await useStandby()
    let seen = 0
    proxy.at(/^POST .*\/data\//, {
      async after() {
        if (++seen !== writes) return undefined
        killed = leader
        await cluster.kill(leader)
        return undefined
      },
    })
    const result = await apply(all, timeout)
    proxy.clear()
    expect(killed, result.stdout + result.stderr).toBe(leader)
    expect(result.signal).toBe(null)
    await useLeader()
    await expect.poll(async () => (await site.vault.request('GET', 'kv/config')).status, { timeout: 20_000 }).toBe(200)
    return result
  }

  interface Item {
    readonly name: string
    readonly action: string
    readonly error: { readonly code: string; readonly exit_code: number; readonly outcome?: string } | null
  }

  /** Each reported result is correct. An item with an unknown result has either its old or its new state. */
  async function expectTruth(
    result: RunResult,
    env: string,
    { was, becomes }: { was: object | null; becomes: object },
  ) {
    const pairs = await pairsIn(env)
    for (const { name, action, error } of json(result) as Item[]) {
      const found = pairs.find(pair => pair.name === name)?.secret ?? null
      if (action !== 'failed') expect(found, name).toEqual(becomes)
      if (!error) continue
      expect(error, `${name}: ${result.stdout}`).toMatchObject({
        exit_code: 7,
        outcome: expect.stringMatching(/^(none|undoing|unknown)$/),
      })
      if (error.outcome === 'none') expect(found, name).toEqual(was)
    }
  }

  async function expectAllDone(env: string, action: 'create' | 'update', secret: object) {
    expect((await pairsIn(env)).map(pair => pair.secret)).toEqual(Array.from({ length: COUNT }, () => secret))
    await site.dsctl(['doctor', '--fix'])
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
    const done = await eventsOf(site, `outcome = 'done' AND action = $1 AND after->>'env' = $2`, [action, env])
    expect(done).toHaveLength(COUNT)
  }

  test('during creates with enough time for an election, all records are created', async () => {
    const env = `env-${randomUUID()}`
    const all = requests(env, {})
    const result = await applyAndKill(all, 4, 20)
    await expectTruth(result, env, { was: null, becomes: plainStored })
    expect(result.code, result.stdout + result.stderr).toBe(0)
    await expectAllDone(env, 'create', plainStored)
  })

  test('without time for an election, each update is complete or absent; apply finishes', async () => {
    const env = `env-${randomUUID()}`
    expect((await apply(requests(env, {}), 20)).code).toBe(0)
    const all = requests(env, { port: 7000 })
    const becomes = { ...plainStored, port: 7000 }
    const result = await applyAndKill(all, 4, 1)
    expect(result.code, result.stdout + result.stderr).toBe(8)
    await expectTruth(result, env, { was: plainStored, becomes })
    await expireLeases(site)
    const again = await apply(all, 20)
    expect(again.code, again.stdout + again.stderr).toBe(0)
    await expectAllDone(env, 'update', becomes)
  })
})
