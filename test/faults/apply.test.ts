import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, jsonError, type RunResult } from '../support/run.ts'
import { expireLeases } from '../support/stored.ts'
import { addStored, type Lane, type Lanes, openLanes, STORED } from './support/lanes.ts'
import { attempt, FAULTS, type Kind, type Schedule, type Store } from './support/schedules.ts'

// The same for a small apply: one source is to be made, one changed, one left, one pruned. Its messages are counted by a
// run without faults, so that the enumeration holds however it sends them. After each schedule apply runs again, which
// tells by its answer what had been done before. CI's first run tries a third of the schedules, each message with a third
// of the faults, DSCTL_TEST_FAULTS=twice all, and other runs a few.

const SOME = { stride: 6, kinds: 3 }
const { stride: STRIDE, kinds: KINDS_STRIDE } =
  { all: { stride: 3, kinds: 1 }, twice: { stride: 1, kinds: 1 } }[process.env.DSCTL_TEST_FAULTS ?? ''] ?? SOME

let lanes: Lanes
let count: Readonly<Record<Store, number>>
let tried = 0

beforeAll(async () => {
  lanes = await openLanes()
  count = await lanes.use(async lane => {
    const batch = await begin(lane)
    const { told, sent } = await attempt(lane, { ...batch, settle: async () => {} }, undefined)
    expect(told.code, told.stderr + told.stdout).toBe(0)
    expect(json(told).map(({ action }: Item) => action)).toEqual(['created', 'unchanged', 'updated', 'deleted'])
    return sent
  })
})
afterAll(async () => {
  await lanes?.close()
  console.log(`${tried} schedules of an apply with ${count?.postgres} and ${count?.vault} messages were tried.`)
})

const KINDS = (['postgres', 'vault'] as const).flatMap(store =>
  Object.entries(FAULTS[store]).map(([fault, kind]) => ({ store, kind, title: `${fault}, on its way to ${store}` })),
)

describe('each item of an apply is whole or not at all where a message', () => {
  const tested = KINDS.map((each, index) => ({ ...each, index })).filter(({ index }) => index % KINDS_STRIDE === 0)
  test.concurrent.each(tested)(
    '$title',
    async ({ store, kind, index }) => {
      const messages = Array.from({ length: count[store] }, (_, n) => n + 1).filter(n => (n + index) % STRIDE === 0)
      expect(messages).not.toEqual([])
      for (const message of messages) await lanes.use(lane => expectWhole(lane, { store, message, kind }))
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

/** Three sources, and the requests that leave, change and drop one of them and make another. */
async function begin({ site }: Lane): Promise<Batch> {
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

async function expectWhole(lane: Lane, schedule: Schedule & { kind: Kind }): Promise<void> {
  const batch = await begin(lane)
  const settling = settlerOf(lane, batch, schedule)
  const { told, reached } = await attempt(lane, { ...batch, settle: settling.settle }, schedule)
  const where = `message ${schedule.message}: ${told.stdout}${told.stderr}`
  if (schedule.kind.late) await settling.settle()
  const again = await settling.again()
  if (reached) tried++
  if (!told.signal) expectTruth(told, batch, { again, where })
  await expectAllDone(lane, batch, where)
  await lane.expectClean()
}

/** What is settled by the next apply (every other time) or by doctor; `again` is the answer of that next apply. */
function settlerOf({ site }: Lane, { args, stdin }: Batch, { message }: Schedule) {
  let again: readonly Item[] | undefined
  const once = async (): Promise<readonly Item[]> => {
    await expireLeases(site)
    const result = await site.dsctl([...args, '-o', 'json', '--timeout', '5'], { stdin })
    expect([0, 8], `message ${message}, again: ${result.stdout}${result.stderr}`).toContain(result.code)
    return json(result)
  }
  // What a stopped process had sent besides may still arrive, and with it a lease that is not over: then once more.
  const apply = async (): Promise<readonly Item[]> => {
    again ??= await once()
    for (let tries = 0; tries < 3 && again.some(({ action }) => action === 'failed'); tries++) {
      const next = await once()
      const begun: readonly Item[] = again.filter(({ action }) => action !== 'failed')
      again = [...begun, ...next.filter(({ name }) => !begun.some(each => each.name === name))]
    }
    expect(again, `message ${message}`).not.toContainEqual(expect.objectContaining({ action: 'failed' }))
    return again
  }
  return {
    again: apply,
    async settle() {
      await expireLeases(site)
      if (message % 2) await apply()
      const result = await site.dsctl(['doctor', '--fix'])
      expect(result.code, `message ${message}: ${result.stdout}${result.stderr}`).toBe(0)
    },
  }
}

/** What was told of each item, against what the next apply found to do. */
function expectTruth(told: RunResult, { tag }: Batch, { again, where }: { again: readonly Item[]; where: string }) {
  const left = (name: string) => again.some(item => item.name === `${tag} ${name}` && item.action !== 'unchanged')
  if (told.stdout === '') {
    if (jsonError(told).outcome === 'unknown') return
    for (const name of ['make', 'change', 'drop']) expect(left(name), `${name}, ${where}`).toBe(true)
    return
  }
  const items: Item[] = json(told)
  for (const name of ['make', 'change', 'drop']) {
    const item = items.find(each => each.name === `${tag} ${name}`)
    // What is not told of was not begun; what was found unchanged another may have done.
    if (item?.action === 'unchanged') continue
    const { outcome } = item?.error ?? {}
    if (outcome === 'unknown') continue
    const done = item !== undefined && (item.action !== 'failed' || outcome === 'owed')
    expect(left(name), `${name}, ${where}`).toBe(!done)
  }
}

/** After the next apply all is as the requests say, and the audit trail tells each change once. */
async function expectAllDone({ site }: Lane, { tag, env }: Batch, where: string): Promise<void> {
  const rows = await site.database.query(
    'SELECT name, secret_id FROM data_sources WHERE deleted_at IS NULL AND env = $1 ORDER BY name',
    [env],
  )
  const secrets = await Promise.all(rows.map(row => site.vault.readSecret(`data-sources/${row.secret_id}`)))
  const found = rows.map(({ name }, at) => [name, secrets[at]?.data])
  const wanted = [
    [`${tag} change`, { ...STORED, host: 'db.two' }],
    [`${tag} keep`, STORED],
    [`${tag} make`, STORED],
  ]
  expect(found, where).toEqual(wanted)
  const events = await site.database.query(
    `SELECT action || ' ' || data_source_name AS told FROM dsctl.audit_events
     WHERE outcome = 'done' AND starts_with(data_source_name, $1) ORDER BY 1`,
    [tag],
  )
  const changes = [`create ${tag} make`, `delete ${tag} drop`, `update ${tag} change`]
  expect(
    events.map(({ told }) => told),
    where,
  ).toEqual(changes)
}
