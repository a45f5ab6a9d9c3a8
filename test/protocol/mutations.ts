import type { Records } from '../../src/ports/records.ts'
import type { Secrets } from '../../src/ports/secrets.ts'
import type { MemoryIntent } from '../contract/memory/database.ts'
import { keyOf } from '../contract/memory/memory-secrets.ts'
import type { Scenario } from './scenario.ts'
import { PAIRS, SINGLE } from './scenarios.ts'
import { type Mutation, sameData, type World } from './world.ts'

/** A rule of the protocol that the stores do not follow, scenarios in which that matters, and the violation. */
export interface MutationCase {
  readonly rule: string
  readonly mutation: Mutation
  readonly scenarios: readonly Scenario[]
  readonly violation: RegExp
}

const records =
  (change: (records: Records, world: World) => Partial<Records>): Mutation =>
  (ports, world) => ({ ...ports, records: { ...ports.records, ...change(ports.records, world) } })

const secrets =
  (change: (secrets: Secrets, world: World) => Partial<Secrets>): Mutation =>
  (ports, world) => ({ ...ports, secrets: { ...ports.secrets, ...change(ports.secrets, world) } })

/** Runs a statement that sees the intents changed. */
async function withChangedIntents<T>(
  world: World,
  change: (intent: MemoryIntent) => void,
  run: () => Promise<T>,
): Promise<T> {
  const before = new Map(world.db.intents.map(intent => [intent.id, intent.state]))
  for (const intent of world.db.intents) change(intent)
  const changed = new Map(world.db.intents.map(intent => [intent.id, intent.state]))
  const answer = await run()
  for (const intent of world.db.intents) {
    const state = before.get(intent.id)
    if (state && intent.state === changed.get(intent.id)) intent.state = state
  }
  return answer
}

const reopen = (intent: MemoryIntent) => {
  if (intent.state === 'undoing') intent.state = 'open'
}

const hide = (intent: MemoryIntent) => {
  if (intent.state === 'undoing') intent.state = 'closed'
}

function findSettledUpdate(world: World, secretId: string): MemoryIntent | undefined {
  return world.db.intents.find(i => i.kind === 'update' && i.state === 'undoing' && i.secretId === secretId)
}

/** Whether a write is a settler's fence or restore: the data of the intent's base version. */
function isBaseData(
  world: World,
  at: { organizationId: string; secretId: string },
  data: Record<string, unknown>,
): boolean {
  const base = findSettledUpdate(world, at.secretId)?.baseVersion
  if (base === undefined || base === null) return false
  return sameData(data, world.vault.secrets[keyOf(at)]?.versions[base] ?? {})
}

function revealed(data: Parameters<Secrets['write']>[1]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value.reveal()]))
}

const create = SINGLE.create ?? []
const renames = PAIRS['plain rename + plain rename'] ?? []
const update = SINGLE['update of credentials, renamed by the application'] ?? []
const taken = SINGLE['update of credentials and name, which the application takes'] ?? []
const dropped = SINGLE['update of credentials, deleted by the application'] ?? []
const missing = SINGLE['repair of a missing secret'] ?? []
const deletion = SINGLE.delete ?? []

export const MUTATIONS: readonly MutationCase[] = [
  {
    rule: 'moving to undoing without effect',
    mutation: records(() => ({ moveToUndoing: async () => 'ok' })),
    scenarios: create,
    violation: /no settler closes|never end/,
  },
  {
    rule: 'a commit that does not require the intent to be open',
    mutation: records(({ commitCreate, commitUpdate }, world) => ({
      commitCreate: (...args) => withChangedIntents(world, reopen, () => commitCreate(...args)),
      commitUpdate: (...args) => withChangedIntents(world, reopen, () => commitUpdate(...args)),
    })),
    scenarios: update,
    violation: /should be/,
  },
  {
    rule: 'recording a base version without requiring the intent to be open',
    mutation: records(({ recordBaseVersion }, world) => ({
      recordBaseVersion: (...args) =>
        withChangedIntents(
          world,
          intent => Object.assign(intent, { state: 'open' }),
          () => recordBaseVersion(...args),
        ),
    })),
    scenarios: update,
    violation: /should be/,
  },
  {
    rule: 'closing an intent in any state',
    mutation: records(({ close }, world) => ({
      close: closing => {
        const intent = world.db.intents.find(({ id, state }) => id === closing.id && state !== 'closed')
        return close({ ...closing, state: intent?.state ?? closing.state })
      },
    })),
    scenarios: missing,
    violation: /should be|\{\}/,
  },
  {
    rule: 'no fence: closing if the secret is still at its base version',
    mutation: secrets(({ write }, world) => ({
      write: async (at, data, cas) => {
        const intent = findSettledUpdate(world, at.secretId)
        const fence = intent?.baseVersion === cas && isBaseData(world, at, revealed(data))
        if (!fence || !intent) return write(at, data, cas)
        Object.assign(intent, { state: 'closed', outcome: 'none' })
        return 'ok'
      },
    })),
    scenarios: update,
    violation: /should be/,
  },
  {
    rule: 'a fence without check-and-set',
    mutation: secrets(({ write }, world) => ({
      write: (at, data, cas) => {
        const current = world.vault.secrets[keyOf(at)]?.current ?? 0
        return write(at, data, isBaseData(world, at, revealed(data)) ? current : cas)
      },
    })),
    scenarios: update,
    violation: /should be|closed as unknown|no settler closes/,
  },
  {
    rule: 'writing the secret without check-and-set',
    mutation: secrets(({ write }, world) => ({
      write: (at, data) => write(at, data, world.vault.secrets[keyOf(at)]?.current ?? 0),
    })),
    scenarios: update,
    violation: /should be|closed as unknown/,
  },
  {
    rule: 'a mount that keeps two versions',
    mutation: ports => ports,
    scenarios: taken.map(scenario => ({ ...scenario, world: keepingTwo(scenario.world) })),
    violation: /closed as unknown/,
  },
  {
    rule: 'a commit that writes the old name too',
    mutation: records(({ commitUpdate }, world) => ({
      commitUpdate: async (id, fields) => {
        const answer = await commitUpdate(id, fields)
        const intent = world.db.intents.find(known => known.id === id)
        const row = world.db.rows.find(known => known.id === intent?.dataSourceId)
        if (answer.kind === 'done' && row) row.name = intent?.newName ?? intent?.oldName ?? row.name
        return answer
      },
    })),
    scenarios: update,
    violation: /the row is/,
  },
  {
    rule: 'a commit that closes as done although its record is deleted',
    mutation: records(({ commitUpdate }, world) => ({
      commitUpdate: async (id, fields) => {
        const answer = await commitUpdate(id, fields)
        const intent = world.db.intents.find(known => known.id === id)
        if (answer.kind === 'gone' && intent) Object.assign(intent, { state: 'closed', outcome: 'done' })
        return answer
      },
    })),
    scenarios: dropped,
    violation: /should be|reported as done/,
  },
  {
    rule: 'a plain update whose retry does not look for the first try',
    mutation: records(({ updatePlain }, world) => ({
      updatePlain: (caller, change) => {
        const again = world.db.events.some(({ id }) => id === change.eventId)
        return updatePlain(caller, again ? { ...change, eventId: `${change.eventId} again` } : change)
      },
    })),
    scenarios: renames,
    violation: /happened twice/,
  },
  {
    rule: 'treating intents in undoing as closed',
    mutation: records(({ beginUpdate, updatePlain, beginDelete }, world) => ({
      beginUpdate: (...args) => withChangedIntents(world, hide, () => beginUpdate(...args)),
      updatePlain: (...args) => withChangedIntents(world, hide, () => updatePlain(...args)),
      beginDelete: (...args) => withChangedIntents(world, hide, () => beginDelete(...args)),
    })),
    scenarios: PAIRS['update + delete'] ?? [],
    violation: /should be|unexplained secret|closed as unknown/,
  },
  {
    rule: 'removing a secret without effect',
    mutation: secrets(() => ({ remove: async () => {} })),
    scenarios: deletion,
    violation: /unexplained secret/,
  },
  {
    rule: 'soft-deleting the current version instead of a given one',
    mutation: secrets(({ softDelete }, world) => ({
      softDelete: at => softDelete(at, world.vault.secrets[keyOf(at)]?.current ?? 0),
    })),
    scenarios: PAIRS['repair + repair'] ?? [],
    violation: /should be/,
  },
  {
    rule: 'a commit without an audit event',
    mutation: records(({ commitCreate }, world) => ({
      commitCreate: async (...args) => {
        const answer = await commitCreate(...args)
        if (answer.kind === 'done') world.db.events.pop()
        return answer
      },
    })),
    scenarios: create,
    violation: /audit trail/,
  },
]

function keepingTwo(world: World): World {
  return { ...world, vault: { ...world.vault, kept: 2 } }
}
