import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunResult } from '../support/run.ts'
import { expireLeases } from '../support/stored.ts'
import { addStored, type Fixture, type FixturePool, openFixtures, STORED } from './support/fixtures.ts'
import { FAULTS, runWithFault, type Schedule } from './support/schedules.ts'

// Tries every fault at every message of every operation, in both stores. After a settler has run, the operation must have
// happened completely or not at all, and the result that the user saw must be true. DSCTL_TEST_FAULTS=all tries every
// schedule with one settler, =twice with both settlers. By default only one schedule in SAMPLE runs.

const EXTENT = process.env.DSCTL_TEST_FAULTS
const SAMPLE = EXTENT === 'all' || EXTENT === 'twice' ? 1 : 11
const FIELDS = ['--type', 'postgres', '--host', 'db.one', '--username', 'app', '--default-database', 'main']
const PASSWORD = ['--password', 'env:PASSWORD']

let fixtures: FixturePool

beforeAll(async () => {
  fixtures = await openFixtures()
})
afterAll(async () => {
  await fixtures?.close()
  console.log(`Tried ${TRIED.length} schedules of ${OPERATIONS.length} operations.`)
})

interface Operation {
  readonly title: string
  readonly action: 'create' | 'update' | 'delete'
  /** How many messages it sends to each store, without those that identify the caller. */
  readonly postgres: number
  readonly vault: number
  args(name: string): string[]
  /** The live record and its secret once the operation has happened; undefined if it deletes them. */
  after(name: string): State
}

/** The part of a data source that the operations change; undefined if it does not exist. */
type State = { readonly name: string; readonly host: string; readonly port: number } | undefined

const before = (name: string): State => ({ name, host: 'db.one', port: 5432 })

const OPERATIONS: readonly Operation[] = [
  {
    title: 'create',
    ...{ action: 'create', postgres: 2, vault: 1 },
    args: name => ['create', name, '--env', 'dev', ...FIELDS, ...PASSWORD],
    after: before,
  },
  {
    title: 'rename',
    ...{ action: 'update', postgres: 1, vault: 1 },
    args: name => ['update', name, '--set-name', `${name} new`],
    after: name => ({ name: `${name} new`, host: 'db.one', port: 5432 }),
  },
  {
    title: 'update of credentials',
    ...{ action: 'update', postgres: 3, vault: 2 },
    args: name => ['update', name, '--host', 'db.two', '--port', '6000'],
    after: name => ({ name, host: 'db.two', port: 6000 }),
  },
  {
    title: 'update of credentials and name',
    ...{ action: 'update', postgres: 3, vault: 2 },
    args: name => ['update', name, '--host', 'db.two', '--set-name', `${name} new`],
    after: name => ({ name: `${name} new`, host: 'db.two', port: 5432 }),
  },
  {
    title: 'delete',
    ...{ action: 'delete', postgres: 2, vault: 1 },
    args: name => ['delete', name, '--yes'],
    after: () => undefined,
  },
]

const SETTLERS = ['doctor', 'next writer'] as const
type Settler = (typeof SETTLERS)[number]

interface Case extends Schedule {
  readonly operation: Operation
  readonly settler: Settler
}

const CASES = OPERATIONS.flatMap(operation =>
  (['postgres', 'vault'] as const).flatMap(store =>
    Array.from({ length: operation[store] }, (_, n) => n + 1).flatMap(message =>
      Object.entries(FAULTS[store]).map(([fault, kind]) => ({
        ...{ operation, store, message, kind },
        title: `${operation.title}, ${store} message ${message}: ${fault}`,
      })),
    ),
  ),
)
const TRIED: readonly (Case & { title: string })[] =
  EXTENT === 'twice'
    ? CASES.flatMap(each => SETTLERS.map(settler => ({ ...each, settler })))
    : CASES.map((each, index) => ({ ...each, settler: SETTLERS[index % 2] as Settler })).filter(
        (_, index) => index % SAMPLE === 0,
      )

test.concurrent.each(OPERATIONS)('$title sends as many messages as are enumerated', operation =>
  fixtures.use(async fixture => {
    const name = `counted ${randomUUID()}`
    if (operation.action !== 'create') await addStored(fixture.site, name)
    const { result, sent } = await runWithFault(
      fixture,
      { args: operation.args(name), settle: async () => {} },
      undefined,
    )
    expect(result.code, result.stderr).toBe(0)
    const { postgres, vault } = operation
    expect(sent).toEqual({ postgres, vault })
    await fixture.expectClean()
  }),
)

describe('an operation happens completely or not at all', () => {
  const titled = TRIED.map(each => [each.title, each.settler, each] as const)
  test.concurrent.each(titled)('%s; %s settles', (_title, _settler, each) =>
    fixtures.use(fixture => expectAllOrNothing(fixture, each)),
  )
})

async function expectAllOrNothing(fixture: Fixture, { operation, settler, ...schedule }: Case): Promise<void> {
  const { site } = fixture
  const name = `case ${randomUUID()}`
  const id = operation.action === 'create' ? undefined : await addStored(site, name)
  const settling = settlerOf(fixture, operation, { settler, name, id })
  const { result, reached } = await runWithFault(
    fixture,
    { args: operation.args(name), settle: settling.settle },
    schedule,
  )
  if (schedule.kind.late) await settling.settle()

  const found = await stateOf(fixture, name)
  const unchanged = id === undefined ? undefined : before(name)
  const isDone = same(found, operation.after(name))
  expect(reached, 'the message was sent').toBe(true)
  expect(isDone || same(found, unchanged), `half done: ${JSON.stringify(found)}`).toBe(true)
  expectTruth(result, settling.doneBefore() ?? isDone)
  await fixture.expectClean()
  await expectAuditedOnce(fixture, operation, { name, isDone })
}

/**
 * Settles as often as it is called. The next writer runs first, once: it changes nothing, but meets the intent; in place
 * of a create it runs the same create again. Then doctor settles the rest. `doneBefore` returns whether that second
 * create found the source already created; undefined if there was none.
 */
function settlerOf(
  { site }: Fixture,
  operation: Operation,
  { settler, name, id }: { settler: Settler; name: string; id: string | undefined },
) {
  let doneBefore: boolean | undefined
  let wrote = false
  const write = async () => {
    wrote = true
    if (id !== undefined) return void (await site.dsctl(['update', id, '--username', 'app']))
    const again = await site.dsctl(operation.args(name), { env: { PASSWORD: 'secret' } })
    expect([0, 6], again.stderr).toContain(again.code)
    doneBefore = again.code === 6
  }
  return {
    async settle() {
      await expireLeases(site)
      if (settler === 'next writer' && !wrote) await write()
      const result = await site.dsctl(['doctor', '--fix'])
      expect(result.code, result.stdout + result.stderr).toBe(0)
    },
    doneBefore: () => doneBefore,
  }
}

/** The live record created with this name, together with its secret. */
async function stateOf({ site }: Fixture, name: string): Promise<State> {
  const rows = await site.database.query(
    'SELECT name, secret_id FROM data_sources WHERE deleted_at IS NULL AND name IN ($1, $2)',
    [name, `${name} new`],
  )
  if (rows.length === 0) return undefined
  expect(rows).toHaveLength(1)
  const secret = await site.vault.readSecret(`data-sources/${rows[0].secret_id}`)
  const { type, password } = STORED
  expect(secret?.data, 'a live record without credentials').toMatchObject({ type, password })
  return { name: rows[0].name, host: String(secret?.data.host), port: Number(secret?.data.port) }
}

function same(one: State, other: State): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Success means done, failure means not done (except `owed`). Only the outcome `unknown` may be either. */
function expectTruth(result: RunResult, isDone: boolean): void {
  if (result.signal) return // killed: it reported nothing
  if (result.code === 0) expect(isDone, 'reported as done').toBe(true)
  if (result.code === 0) return
  const { outcome } = JSON.parse(result.stderr.slice(result.stderr.indexOf('{'))).error
  if (outcome === 'unknown') return
  expect(isDone, `exit code ${result.code}, outcome ${outcome}`).toBe(outcome === 'owed')
}

/** The audit trail has each change once, and no change that did not happen. */
async function expectAuditedOnce(
  { site }: Fixture,
  { action }: Operation,
  { name, isDone }: { name: string; isDone: boolean },
): Promise<void> {
  const rows = await site.database.query(
    'SELECT outcome FROM dsctl.audit_events WHERE action = $1 AND data_source_name = $2',
    [action, name],
  )
  const done = rows.filter(({ outcome }) => outcome === 'done')
  expect(done, JSON.stringify(rows)).toHaveLength(isDone ? 1 : 0)
  expect(rows.length - done.length, JSON.stringify(rows)).toBeLessThanOrEqual(1)
}
