import { settleOnce } from '../../src/operations/two-stores/settle.ts'
import { keyOf } from '../contract/memory/memory-secrets.ts'
import { type Result, storesOn } from './programs.ts'
import { type Expected, ORGANIZATION, type Owner, type Scenario } from './scenario.ts'
import { type Mutation, portsOf, sameData, type World } from './world.ts'

/** A settler without competition must be done after this many passes. */
const MAX_PASSES = 12

export interface WorldCheck {
  /** What is wrong in the stores after settling, if anything. */
  readonly violation: string | undefined
  /** The ids of the operations that have happened, in order. */
  readonly happened: readonly string[]
  /** The ids of the deleted data sources. */
  readonly deleted: readonly string[]
}

/**
 * Checks what follows if all processes stop here and no late message arrives: one settler closes all intents, and late
 * secrets are removed. Then both stores must be right.
 */
export async function checkWorld(
  world: World,
  scenario: Scenario,
  mutation: Mutation | undefined,
): Promise<WorldCheck> {
  for (const intent of world.db.intents) intent.expiresAt = world.db.now
  const settled = await settle(world, mutation)
  await removeLateSecrets(world, mutation)
  const deleted = world.db.rows.filter(row => row.deleted).map(row => row.id)
  const violation = settled ? findViolation(world, scenario) : 'an intent that no settler closes'
  return { violation, happened: world.log, deleted }
}

/** What is untrue in the result that a user got, if anything. */
export function findUntruth(result: Result, { id, kind, source }: Owner, check: WorldCheck): string | undefined {
  if (result.kind === 'bug') return `operation ${id} ended in a bug: ${result.message}`
  const deleted = check.deleted.includes(source)
  const happened = check.happened.includes(id)
  const untrue = (what: string) =>
    `operation ${id} was reported as ${what} (${JSON.stringify(result)}), which is untrue`
  // A delete of a data source that another process has just deleted removes the owed secret.
  if (result.kind === 'done') return happened || (kind === 'delete' && deleted) ? undefined : untrue('done')
  if (result.kind === 'failed' && result.code === 'unavailable') {
    if (result.outcome === undefined)
      return `operation ${id} failed because a store was unavailable, without an outcome`
    if (result.outcome === 'unknown') return undefined
    if (result.outcome === 'owed') return deleted ? undefined : untrue('done')
  }
  // It was done, and its data source was deleted afterwards: the message says both.
  if (result.kind === 'failed' && result.code === 'not_found' && kind !== 'delete' && deleted) return undefined
  return happened ? untrue('not done') : undefined
}

async function settle(world: World, mutation: Mutation | undefined): Promise<boolean> {
  const stores = storesOn(portsOf(world, mutation))
  for (let passes = 0; passes < MAX_PASSES; passes++) {
    const open = world.db.intents.find(({ state }) => state !== 'closed')
    if (!open) return true
    await settleOnce(stores, open.id, 'settler')
  }
  return false
}

// "Late secrets" in docs/protocol.md.
async function removeLateSecrets(world: World, mutation: Mutation | undefined): Promise<void> {
  const { secrets } = portsOf(world, mutation)
  for (const intent of world.db.intents) {
    const late = intent.kind === 'delete' || (intent.kind === 'create' && intent.outcome === 'none')
    const live = world.db.rows.some(row => row.secretId === intent.secretId && !row.deleted)
    if (intent.state === 'closed' && late && !live) await secrets.remove(intent)
  }
}

function findViolation(world: World, scenario: Scenario): string | undefined {
  const { log, db } = world
  if (new Set(log).size < log.length) return `an operation happened twice: ${log}`
  const expected = replayLog(world, scenario)
  const ids = new Set([...db.rows.map(row => row.id), ...scenario.programs.map(program => program.source)])
  for (const id of ids) {
    const violation = checkSource(world, expected, id)
    if (violation) return violation
  }
  if (!world.outsider && db.intents.some(({ outcome }) => outcome === 'unknown'))
    return 'closed as unknown, but no outsider wrote'
  return checkAuditTrail(world, scenario)
}

function checkSource({ db, vault, outsider }: World, expected: Expected, id: string): string | undefined {
  const found = db.rows.find(row => row.id === id)
  const row = found && { name: found.name, live: !found.deleted }
  const should = expected.rows[id]
  if (should && !sameData(row, should)) return `the row is ${text(row)}, but should be ${text(should)}`
  if (!should && found?.writes) return `the row is ${text(row)}, but should not be`
  const secret = vault.secrets[keyOf({ organizationId: ORGANIZATION, secretId: id })]
  const data = secret?.versions[secret.current] ?? null
  const expectedData = expected.secrets[id] ?? null
  if (!row?.live && !expectedData && secret) return `an unexplained secret: ${text(secret)}`
  if (row?.live && data && Object.keys(data).length === 0) return 'a live secret that is {}'
  if (!outsider && !sameData(data, expectedData))
    return `the secret is ${text(data)}, but should be ${text(expectedData)}`
  return undefined
}

/** The expected contents of the stores: the log of what happened, applied to the first world. */
function replayLog({ log }: World, scenario: Scenario): Expected {
  const { db, vault } = scenario.world
  const rows = Object.fromEntries(db.rows.map(row => [row.id, { name: row.name, live: !row.deleted }]))
  const stored = db.rows.flatMap(row => {
    const secret = vault.secrets[keyOf(row)]
    const data = secret?.versions[secret.current]
    return data ? [[row.id, data] as const] : []
  })
  const expected: Expected = { rows, secrets: Object.fromEntries(stored) }
  for (const entry of log) {
    const outsideAct = scenario.outsideActs.find(({ name }) => name === entry)
    const program = scenario.programs.find(({ id }) => id === entry)
    outsideAct?.replay?.(expected)
    if (program) replayOperation(program, expected)
  }
  return expected
}

function replayOperation(program: Owner, { rows, secrets }: Expected): void {
  const { source } = program
  if (program.kind === 'delete') {
    rows[source] = { name: rows[source]?.name ?? '', live: false }
    delete secrets[source]
    return
  }
  rows[source] = { name: program.name ?? rows[source]?.name ?? '', live: true }
  if (program.set) secrets[source] = { type: 'databricks', ...secrets[source], ...program.set }
}

/** The audit trail must record each operation that happened as done, and no other. */
function checkAuditTrail({ db, log }: World, { programs }: Scenario): string | undefined {
  for (const { id } of programs) {
    const done = db.events.some(event => event.id === id && event.outcome === 'done')
    if (done !== log.includes(id)) return `the audit trail says ${done ? 'done' : 'nothing'} of operation ${id}`
    const intent = db.intents.find(known => known.id === id)
    const recorded = db.events.find(event => event.id === id)?.outcome
    if (intent?.outcome === 'none' && recorded !== 'failed' && recorded !== undefined)
      return `the audit trail says ${recorded} of the rolled-back operation ${id}`
  }
  return undefined
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'none'
}
