import { emptyDatabase, type MemoryRow } from '../contract/memory/database.ts'
import { keyOf } from '../contract/memory/memory-secrets.ts'
import type { Program } from './programs.ts'
import type { World } from './world.ts'

/** What a user's process does. */
export type Owner = Exclude<Program, { kind: 'settle' }>

/** What is explored, and how much may go wrong in it. */
export interface Scenario {
  readonly world: World
  /** The processes that users started. */
  readonly programs: readonly Owner[]
  /** How many others settle what they find expired. */
  readonly settlers: number
  /** How many answers may be lost: the message takes effect at any later moment, or never. */
  readonly lost: number
  /** How many messages may be refused: 403, or a clear "not now". */
  readonly refused: number
  /** How many processes may be interrupted (Ctrl-C). */
  readonly interrupts: number
  /** What the application and outsiders may do, each once. */
  readonly around: readonly Around[]
}

export interface Around {
  readonly name: string
  /** Whether it could be done; changes the world. */
  readonly act: (world: World) => boolean
  /** What it adds to what has happened, where that counts for a record or its secret. */
  readonly replay?: (expected: Expected) => void
  /** The one that has to come before it. */
  readonly after?: string
}

/** What the operations that happened should have left. */
export interface Expected {
  readonly rows: Record<string, { name: string; live: boolean }>
  readonly secrets: Record<string, Readonly<Record<string, unknown>>>
}

const id = (prefix: string) => `${prefix}-0000-4000-8000-000000000000`
export const [A, B, X] = [id('aaaaaaaa'), id('bbbbbbbb'), id('eeeeeeee')] as const
export const [FIRST, SECOND] = [id('00000001'), id('00000002')] as const
export const ORGANIZATION = id('cccccccc')
const ANN = id('dddddddd')

/** Credentials that are complete, told apart by their warehouse and catalog. */
export function credentials(warehouse: string, catalog = warehouse): Record<string, string> {
  const rest = { default_catalog: catalog }
  return { type: 'databricks', host: 'h.example.com', api_key: 'k', warehouse_id: warehouse, ...rest }
}

/** What an update must give where nothing is stored. */
export function fields(warehouse: string, catalog = warehouse): Record<string, string> {
  const { type, ...given } = credentials(warehouse, catalog)
  return given
}

export function emptyWorld(): World {
  const db = emptyDatabase(0, 0)
  db.organizations.push({ id: ORGANIZATION, name: 'Acme', deleted: false })
  db.users.push({ id: ANN, email: 'ann@example.com', name: null })
  const member = {
    userId: ANN,
    organizationId: ORGANIZATION,
    role: 'data_admin',
    status: 'active',
    deleted: false,
  } as const
  db.memberships.push(member)
  return { db, vault: { kept: 3, secrets: {}, others: {} }, log: [], outsider: false }
}

/** A world with the data source A, and what Vault has of it. */
export function worldWith(secret: 'stored' | 'missing' | 'soft-deleted'): World {
  const world = emptyWorld()
  world.db.rows.push(row(A, 'n0'))
  const key = keyOf({ organizationId: ORGANIZATION, secretId: A })
  const data = secret === 'stored' ? credentials('0') : null
  if (secret !== 'missing') world.vault.secrets[key] = { current: 1, versions: { 1: data } }
  return world
}

function row(source: string, name: string): MemoryRow {
  return {
    ...{ id: source, secretId: source, organizationId: ORGANIZATION, name, env: 'dev', type: 'databricks' },
    ...{ createdBy: null, createdAt: 0, updatedAt: 0, onboardingStatus: 'notStarted', deleted: false, writes: 0 },
  }
}

/** The application makes a record of that name; none of dsctl's rules hold it back but the unique index. */
export function takes(name: string): Around {
  return {
    name: `the application takes ${name}`,
    act: ({ db }) => {
      if (db.rows.some(known => known.name === name && !known.deleted)) return false
      db.rows.push(row(X, name))
      return true
    },
  }
}

/** The application gives back the name that it took. */
export function frees(name: string): Around {
  const act = ({ db }: World) => {
    const taken = db.rows.find(known => known.id === X)
    if (taken) taken.deleted = true
    return taken !== undefined
  }
  return { name: `the application gives ${name} back`, act, after: takes(name).name }
}

export const drops: Around = {
  name: 'the application deletes the record',
  act: world => change(world, known => Object.assign(known, { deleted: true })),
  replay: ({ rows }) => Object.assign(rows[A] ?? {}, { live: false }),
}

export const renames: Around = {
  name: 'the application renames the record',
  act: world => change(world, known => Object.assign(known, { name: 'n9' })),
  replay: ({ rows }) => Object.assign(rows[A] ?? {}, { name: 'n9' }),
}

/** Someone outside dsctl writes the secret, without check-and-set. */
export function writes(value: string): Around {
  return {
    name: `an outsider writes the secret (${value})`,
    act: world =>
      outside(world, secret => {
        secret.current++
        secret.versions[secret.current] = credentials(value)
        delete secret.versions[secret.current - world.vault.kept]
      }),
    replay: ({ secrets }) => Object.assign(secrets, { [A]: credentials(value) }),
  }
}

export const deletesMetadata: Around = {
  name: 'an outsider deletes the metadata',
  act: world =>
    outside(world, () => {
      delete world.vault.secrets[keyOf({ organizationId: ORGANIZATION, secretId: A })]
    }),
  replay: ({ secrets }) => void delete secrets[A],
}

function change({ db }: World, how: (row: MemoryRow) => void): boolean {
  const live = db.rows.find(known => known.id === A && !known.deleted)
  if (live) how(live)
  return live !== undefined
}

function outside(world: World, how: (secret: World['vault']['secrets'][string]) => void): boolean {
  const secret = world.vault.secrets[keyOf({ organizationId: ORGANIZATION, secretId: A })]
  if (secret) how(secret)
  if (world.db.intents.some(({ state }) => state !== 'closed')) world.outsider = true
  return secret !== undefined
}
