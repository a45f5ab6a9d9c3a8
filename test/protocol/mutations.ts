import type { Records } from '../../src/ports/records.ts'
import type { Secrets } from '../../src/ports/secrets.ts'
import type { MemoryIntent } from '../contract/memory/database.ts'
import { keyOf } from '../contract/memory/memory-secrets.ts'
import type { Scenario } from './scenario.ts'
import { PAIRS, SINGLE } from './scenarios.ts'
import { type Mutation, sameData, type World } from './world.ts'

/** A rule of the protocol switched off at the ports, the scenario in which that does harm, and how it shows. */
export interface MutationCase {
  readonly rule: string
  readonly mutation: Mutation
  readonly scenarios: readonly Scenario[]
  readonly shows: RegExp
}

const records =
  (change: (records: Records, world: World) => Partial<Records>): Mutation =>
  (ports, world) => ({ ...ports, records: { ...ports.records, ...change(ports.records, world) } })

const secrets =
  (change: (secrets: Secrets, world: World) => Partial<Secrets>): Mutation =>
  (ports, world) => ({ ...ports, secrets: { ...ports.secrets, ...change(ports.secrets, world) } })

/** Runs a statement with the intents changed for its duration: it sees them so. */
async function seeing<T>(world: World, change: (intent: MemoryIntent) => void, run: () => Promise<T>): Promise<T> {
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

const reopened = (intent: MemoryIntent) => {
  if (intent.state === 'undoing') intent.state = 'open'
}

const hidden = (intent: MemoryIntent) => {
  if (intent.state === 'undoing') intent.state = 'closed'
}

function settling(world: World, secretId: string): MemoryIntent | undefined {
  return world.db.intents.find(i => i.kind === 'update' && i.state === 'undoing' && i.secretId === secretId)
}

/** Whether a settler is about to write what stood at the intent's base: the fence, or the way back. */
function isBase(
  world: World,
  at: { organizationId: string; secretId: string },
  data: Record<string, unknown>,
): boolean {
  const base = settling(world, at.secretId)?.baseVersion
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
    rule: 'a moveToUndoing that only says so',
    mutation: records(() => ({ moveToUndoing: async () => 'ok' })),
    scenarios: create,
    shows: /no settler closes|round for ever/,
  },
  {
    rule: 'a last step that does not require the intent to be open',
    mutation: records(({ commitCreate, commitUpdate }, world) => ({
      commitCreate: (...args) => seeing(world, reopened, () => commitCreate(...args)),
      commitUpdate: (...args) => seeing(world, reopened, () => commitUpdate(...args)),
    })),
    scenarios: update,
    shows: /should be/,
  },
  {
    rule: 'an S2 that does not require the intent to be open',
    mutation: records(({ recordBaseVersion }, world) => ({
      recordBaseVersion: (...args) =>
        seeing(
          world,
          intent => Object.assign(intent, { state: 'open' }),
          () => recordBaseVersion(...args),
        ),
    })),
    scenarios: update,
    shows: /should be/,
  },
  {
    rule: 'closing in whatever state the intent is',
    mutation: records(({ close }, world) => ({
      close: closing => {
        const intent = world.db.intents.find(({ id, state }) => id === closing.id && state !== 'closed')
        return close({ ...closing, state: intent?.state ?? closing.state })
      },
    })),
    scenarios: missing,
    shows: /should be|\{\}/,
  },
  {
    rule: 'no fence: an intent whose secret is still at base is closed',
    mutation: secrets(({ write }, world) => ({
      write: async (at, data, cas) => {
        const intent = settling(world, at.secretId)
        const fence = intent?.baseVersion === cas && isBase(world, at, revealed(data))
        if (!fence || !intent) return write(at, data, cas)
        Object.assign(intent, { state: 'closed', outcome: 'none' })
        return 'ok'
      },
    })),
    scenarios: update,
    shows: /should be/,
  },
  {
    rule: 'a fence without check-and-set',
    mutation: secrets(({ write }, world) => ({
      write: (at, data, cas) => {
        const current = world.vault.secrets[keyOf(at)]?.current ?? 0
        return write(at, data, isBase(world, at, revealed(data)) ? current : cas)
      },
    })),
    scenarios: update,
    shows: /should be|closed as unknown|no settler closes/,
  },
  {
    rule: 'a V2 without check-and-set',
    mutation: secrets(({ write }, world) => ({
      write: (at, data) => write(at, data, world.vault.secrets[keyOf(at)]?.current ?? 0),
    })),
    scenarios: update,
    shows: /should be|closed as unknown/,
  },
  {
    rule: 'a mount that keeps two versions',
    mutation: ports => ports,
    scenarios: taken.map(scenario => ({ ...scenario, world: keepingTwo(scenario.world) })),
    shows: /closed as unknown/,
  },
  {
    rule: 'a last step that writes the old name too',
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
    shows: /the row is/,
  },
  {
    rule: 'a last step that closes as done though its row is gone',
    mutation: records(({ commitUpdate }, world) => ({
      commitUpdate: async (id, fields) => {
        const answer = await commitUpdate(id, fields)
        const intent = world.db.intents.find(known => known.id === id)
        if (answer.kind === 'gone' && intent) Object.assign(intent, { state: 'closed', outcome: 'done' })
        return answer
      },
    })),
    scenarios: dropped,
    shows: /should be|told as done/,
  },
  {
    rule: 'a plain update whose second try does not look for the first',
    mutation: records(({ updatePlain }, world) => ({
      updatePlain: (caller, change) => {
        const again = world.db.events.some(({ id }) => id === change.eventId)
        return updatePlain(caller, again ? { ...change, eventId: `${change.eventId} again` } : change)
      },
    })),
    scenarios: renames,
    shows: /happened twice/,
  },
  {
    rule: 'undoing does not count as unclosed',
    mutation: records(({ beginUpdate, updatePlain, beginDelete }, world) => ({
      beginUpdate: (...args) => seeing(world, hidden, () => beginUpdate(...args)),
      updatePlain: (...args) => seeing(world, hidden, () => updatePlain(...args)),
      beginDelete: (...args) => seeing(world, hidden, () => beginDelete(...args)),
    })),
    scenarios: PAIRS['update + delete'] ?? [],
    shows: /should be|nothing knows of|closed as unknown/,
  },
  {
    rule: 'a removal that only says so',
    mutation: secrets(() => ({ remove: async () => {} })),
    scenarios: deletion,
    shows: /nothing knows of/,
  },
  {
    rule: 'a soft delete of whatever is the current version',
    mutation: secrets(({ softDelete }, world) => ({
      softDelete: at => softDelete(at, world.vault.secrets[keyOf(at)]?.current ?? 0),
    })),
    scenarios: PAIRS['repair + repair'] ?? [],
    shows: /should be/,
  },
  {
    rule: 'a last step that is told by nobody',
    mutation: records(({ commitCreate }, world) => ({
      commitCreate: async (...args) => {
        const answer = await commitCreate(...args)
        if (answer.kind === 'done') world.db.events.pop()
        return answer
      },
    })),
    scenarios: create,
    shows: /audit trail/,
  },
]

function keepingTwo(world: World): World {
  return { ...world, vault: { ...world.vault, kept: 2 } }
}
