import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, jsonError, type RunResult } from '../support/run.ts'
import { expireLeases } from '../support/stored.ts'
import { addStored, type Fixture, type FixturePool, openFixtures, STORED } from './support/fixtures.ts'
import { FAULTS, type Kind, runWithFault, type Schedule, type Store } from './support/schedules.ts'

// Tries every fault at the messages of a small apply, which creates one source, updates one, leaves one unchanged and
// prunes one. A run without faults counts the messages, so that the test does not depend on how apply batches them. After
// each schedule apply runs again, and its result shows what the first run had done. DSCTL_TEST_FAULTS=twice tries every
// fault at every message, =all a third of these schedules. By default only a few run.

const FEW = { stride: 6, kinds: 3 }
const { stride: STRIDE, kinds: KINDS_STRIDE } =
  { all: { stride: 3, kinds: 1 }, twice: { stride: 1, kinds: 1 } }[process.env.DSCTL_TEST_FAULTS ?? ''] ?? FEW

let fixtures: FixturePool
let count: Readonly<Record<Store, number>>
let tried = 0

beforeAll(async () => {
  fixtures = await openFixtures()
  count = await fixtures.use(async fixture => {
    const batch = await prepare(fixture)
    const { result, sent } = await runWithFault(fixture, { ...batch, settle: async () => {} }, undefined)
    expect(result.code, result.stderr + result.stdout).toBe(0)
    expect(json(result).map(({ action }: Item) => action)).toEqual(['created', 'unchanged', 'updated', 'deleted'])
    return sent
  })
})
afterAll(async () => {
  await fixtures?.close()
  console.log(`Tried ${tried} schedules of an apply with ${count?.postgres} and ${count?.vault} messages.`)
})

const KINDS = (['postgres', 'vault'] as const).flatMap(store =>
  Object.entries(FAULTS[store]).map(([fault, kind]) => ({ store, kind, title: `${store} message: ${fault}` })),
)

describe('each item of an apply happens completely or not at all', () => {
  const tested = KINDS.map((each, index) => [each.title, { ...each, index }] as const)
  test.concurrent.each(tested.filter((_, index) => index % KINDS_STRIDE === 0))(
    '%s',
    async (_, { store, kind, index }) => {
      const messages = Array.from({ length: count[store] }, (_, n) => n + 1).filter(n => (n + index) % STRIDE === 0)
      expect(messages).not.toEqual([])
      for (const message of messages) {
        await fixtures.use(fixture => expectAllOrNothing(fixture, { store, message, kind }))
      }
    },
    300_000,
  )
})

interface Item {
  readonly name: string
  readonly action: 'created' | 'updated' | 'unchanged' | 'deleted' | 'failed'
  readonly error: { readonly outcome?: string } | null
}

interface Batch {
  readonly tag: string
  readonly env: string
  readonly args: readonly string[]
  readonly stdin: string
}

/** Adds three sources. The requests create a fourth, leave one unchanged, update one, and omit one, which is pruned. */
async function prepare({ site }: Fixture): Promise<Batch> {
  const tag = `batch ${randomUUID()}`
  const env = `env-${randomUUID()}`
  for (const name of ['keep', 'change', 'drop']) await addStored(site, `${tag} ${name}`, env)
  const requests = [
    { ...STORED, name: `${tag} make`, env },
    { ...STORED, name: `${tag} keep`, env },
    { ...STORED, name: `${tag} change`, env, host: 'db.two' },
  ]
  const args = ['apply', '-f', '-', '--env', env, '--prune', '--yes']
  return { tag, env, args, stdin: JSON.stringify(requests) }
}

async function expectAllOrNothing(fixture: Fixture, schedule: Schedule & { kind: Kind }): Promise<void> {
  const batch = await prepare(fixture)
  const settling = settlerOf(fixture, batch, schedule)
  const { result, reached } = await runWithFault(fixture, { ...batch, settle: settling.settle }, schedule)
  const where = `message ${schedule.message}: ${result.stdout}${result.stderr}`
  if (schedule.kind.late) await settling.settle()
  const again = await settling.applyAgain()
  if (reached) tried++
  if (!result.signal) expectTruth(result, batch, { again, where })
  await expectAllDone(fixture, batch, where)
  await fixture.expectClean()
}

/** Settles with the next apply (every other time) or with doctor. `applyAgain` returns the items of that next apply. */
function settlerOf({ site }: Fixture, { args, stdin }: Batch, { message }: Schedule) {
  let again: readonly Item[] | undefined
  const once = async (): Promise<readonly Item[]> => {
    await expireLeases(site)
    const result = await site.dsctl([...args, '-o', 'json', '--timeout', '5'], { stdin })
    expect([0, 8], `message ${message}, again: ${result.stdout}${result.stderr}`).toContain(result.code)
    return json(result)
  }
  // A stopped process may have sent more messages. These can arrive late and open a new lease, so failed items are retried.
  const applyAgain = async (): Promise<readonly Item[]> => {
    again ??= await once()
    for (let tries = 0; tries < 3 && again.some(({ action }) => action === 'failed'); tries++) {
      const next = await once()
      const succeeded: readonly Item[] = again.filter(({ action }) => action !== 'failed')
      again = [...succeeded, ...next.filter(({ name }) => !succeeded.some(each => each.name === name))]
    }
    expect(again, `message ${message}`).not.toContainEqual(expect.objectContaining({ action: 'failed' }))
    return again
  }
  return {
    applyAgain,
    async settle() {
      await expireLeases(site)
      if (message % 2) await applyAgain()
      const result = await site.dsctl(['doctor', '--fix'])
      expect(result.code, `message ${message}: ${result.stdout}${result.stderr}`).toBe(0)
    },
  }
}

/** Compares the reported result of each item with what the next apply still had to do. */
function expectTruth(result: RunResult, { tag }: Batch, { again, where }: { again: readonly Item[]; where: string }) {
  const wasLeft = (name: string) => again.some(item => item.name === `${tag} ${name}` && item.action !== 'unchanged')
  if (result.stdout === '') {
    if (jsonError(result).outcome === 'unknown') return
    for (const name of ['make', 'change', 'drop']) expect(wasLeft(name), `${name}, ${where}`).toBe(true)
    return
  }
  const items: Item[] = json(result)
  for (const name of ['make', 'change', 'drop']) {
    const item = items.find(each => each.name === `${tag} ${name}`)
    // A missing item was not begun. An unchanged one may have been changed by another process.
    if (item?.action === 'unchanged') continue
    const { outcome } = item?.error ?? {}
    if (outcome === 'unknown') continue
    const isDone = item !== undefined && (item.action !== 'failed' || outcome === 'owed')
    expect(wasLeft(name), `${name}, ${where}`).toBe(!isDone)
  }
}

/** After the next apply both stores are as the requests say, and the audit trail has each change once. */
async function expectAllDone({ site }: Fixture, { tag, env }: Batch, where: string): Promise<void> {
  const rows = await site.database.query(
    'SELECT name, secret_id FROM data_sources WHERE deleted_at IS NULL AND env = $1 ORDER BY name',
    [env],
  )
  const secrets = await Promise.all(rows.map(row => site.vault.readSecret(`data-sources/${row.secret_id}`)))
  const found = rows.map(({ name }, at) => [name, secrets[at]?.data])
  const requested = [
    [`${tag} change`, { ...STORED, host: 'db.two' }],
    [`${tag} keep`, STORED],
    [`${tag} make`, STORED],
  ]
  expect(found, where).toEqual(requested)
  const events = await site.database.query(
    `SELECT action || ' ' || data_source_name AS change FROM dsctl.audit_events
     WHERE outcome = 'done' AND starts_with(data_source_name, $1) ORDER BY 1`,
    [tag],
  )
  const changes = [`create ${tag} make`, `delete ${tag} drop`, `update ${tag} change`]
  expect(
    events.map(({ change }) => change),
    where,
  ).toEqual(changes)
}
