import { settleOnce } from '../../src/operations/two-stores/settle.ts'
import { keyOf } from '../contract/memory/memory-secrets.ts'
import { storesOn, type Told } from './programs.ts'
import { type Expected, ORGANIZATION, type Owner, type Scenario } from './scenario.ts'
import { type Mutation, portsOf, sameData, type World } from './world.ts'

/** A lone settler must be done within so many looks. */
const LOOKS = 12

export interface Verdict {
  /** What is wrong in the stores once all is settled; undefined where nothing is. */
  readonly wrong: string | undefined
  readonly happened: readonly string[]
  /** The data sources that are deleted. */
  readonly gone: readonly string[]
}

/**
 * Everybody stops here for good and nothing that is under way arrives any more: one settler closes what is open, the
 * cleaning removes what undone creates and deletes may have left. Then both stores must be right.
 */
export async function judge(world: World, scenario: Scenario, mutation: Mutation | undefined): Promise<Verdict> {
  for (const intent of world.db.intents) intent.expiresAt = world.db.now
  const settled = await settle(world, mutation)
  await clean(world, mutation)
  const gone = world.db.rows.filter(row => row.deleted).map(row => row.id)
  return { wrong: settled ? wrongIn(world, scenario) : 'an intent that no settler closes', happened: world.log, gone }
}

/** What is untrue in what a user was told; undefined where all of it is true. */
export function lieIn(told: Told, { id, kind, source }: Owner, verdict: Verdict): string | undefined {
  if (told.kind === 'bug') return `operation ${id} ended in a bug: ${told.message}`
  const gone = verdict.gone.includes(source)
  const has = verdict.happened.includes(id)
  const wrongly = (what: string) => `operation ${id} was told as ${what} (${JSON.stringify(told)}), which is not so`
  // Who deletes what another has just deleted pays what is owed for it.
  if (told.kind === 'done') return has || (kind === 'delete' && gone) ? undefined : wrongly('done')
  if (told.kind === 'failed' && told.code === 'unavailable') {
    if (told.outcome === undefined) return `operation ${id} failed for want of a backend, with no word of its outcome`
    if (told.outcome === 'unknown') return undefined
    if (told.outcome === 'owed') return gone ? undefined : wrongly('done')
  }
  // It was done, and what it was done to is gone since: the message says both.
  if (told.kind === 'failed' && told.code === 'not_found' && kind !== 'delete' && gone) return undefined
  return has ? wrongly('not done') : undefined
}

async function settle(world: World, mutation: Mutation | undefined): Promise<boolean> {
  const stores = storesOn(portsOf(world, mutation))
  for (let looks = 0; looks < LOOKS; looks++) {
    const open = world.db.intents.find(({ state }) => state !== 'closed')
    if (!open) return true
    await settleOnce(stores, open.id, 'settler')
  }
  return false
}

// Rule 5: what is found at the id of an undone create or of a delete is a late write, unless a live row has it.
async function clean(world: World, mutation: Mutation | undefined): Promise<void> {
  const { secrets } = portsOf(world, mutation)
  for (const intent of world.db.intents) {
    const late = intent.kind === 'delete' || (intent.kind === 'create' && intent.outcome === 'none')
    const live = world.db.rows.some(row => row.secretId === intent.secretId && !row.deleted)
    if (intent.state === 'closed' && late && !live) await secrets.remove(intent)
  }
}

function wrongIn(world: World, scenario: Scenario): string | undefined {
  const { log, db } = world
  if (new Set(log).size < log.length) return `something has happened twice: ${log}`
  const expected = replayed(world, scenario)
  const ids = new Set([...db.rows.map(row => row.id), ...scenario.programs.map(program => program.source)])
  for (const id of ids) {
    const wrong = wrongSource(world, expected, id)
    if (wrong) return wrong
  }
  if (!world.outsider && db.intents.some(({ outcome }) => outcome === 'unknown'))
    return 'closed as unknown, and nobody else wrote'
  return wrongTrail(world, scenario)
}

function wrongSource({ db, vault, outsider }: World, expected: Expected, id: string): string | undefined {
  const found = db.rows.find(row => row.id === id)
  const row = found && { name: found.name, live: !found.deleted }
  const should = expected.rows[id]
  if (should && !sameData(row, should)) return `the row is ${text(row)}, but should be ${text(should)}`
  if (!should && found?.writes) return `the row is ${text(row)}, but should not be`
  const secret = vault.secrets[keyOf({ organizationId: ORGANIZATION, secretId: id })]
  const data = secret?.versions[secret.current] ?? null
  const wanted = expected.secrets[id] ?? null
  if (!row?.live && !wanted && secret) return `a secret that nothing knows of: ${text(secret)}`
  if (row?.live && data && Object.keys(data).length === 0) return 'a live secret that is {}'
  if (!outsider && !sameData(data, wanted)) return `the secret is ${text(data)}, but should be ${text(wanted)}`
  return undefined
}

/** Replays what has happened on what was there before. */
function replayed({ log }: World, scenario: Scenario): Expected {
  const { db, vault } = scenario.world
  const rows = Object.fromEntries(db.rows.map(row => [row.id, { name: row.name, live: !row.deleted }]))
  const stored = db.rows.flatMap(row => {
    const secret = vault.secrets[keyOf(row)]
    const data = secret?.versions[secret.current]
    return data ? [[row.id, data] as const] : []
  })
  const expected: Expected = { rows, secrets: Object.fromEntries(stored) }
  for (const entry of log) {
    const around = scenario.around.find(({ name }) => name === entry)
    const program = scenario.programs.find(({ id }) => id === entry)
    around?.replay?.(expected)
    if (program) replay(program, expected)
  }
  return expected
}

function replay(program: Owner, { rows, secrets }: Expected): void {
  const { source } = program
  if (program.kind === 'delete') {
    rows[source] = { name: rows[source]?.name ?? '', live: false }
    delete secrets[source]
    return
  }
  rows[source] = { name: program.name ?? rows[source]?.name ?? '', live: true }
  if (program.set) secrets[source] = { type: 'databricks', ...secrets[source], ...program.set }
}

/** The audit trail tells each operation that has happened as done, once, and no other. */
function wrongTrail({ db, log }: World, { programs }: Scenario): string | undefined {
  for (const { id } of programs) {
    const done = db.events.some(event => event.id === id && event.outcome === 'done')
    if (done !== log.includes(id)) return `the audit trail says ${done ? 'done' : 'nothing'} of operation ${id}`
    const intent = db.intents.find(known => known.id === id)
    const told = db.events.find(event => event.id === id)?.outcome
    if (intent?.outcome === 'none' && told !== 'failed' && told !== undefined)
      return `the audit trail says ${told} of the undone operation ${id}`
  }
  return undefined
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'none'
}
