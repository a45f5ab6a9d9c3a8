import { emptyDatabase, type MemoryRow } from '../contract/memory/database.ts'
import { keyOf } from '../contract/memory/memory-secrets.ts'
import type { Program } from './programs.ts'
import type { World } from './world.ts'

/** The operation of a user's process. */
export type Owner = Exclude<Program, { kind: 'settle' }>

/** What a search explores, and its bounds. */
export interface Scenario {
  readonly world: World
  /** The processes that users started. */
  readonly programs: readonly Owner[]
  /** How many other processes settle expired intents. */
  readonly settlers: number
  /** How many answers may be lost. The message takes effect at any later time, or never. */
  readonly lost: number
  /** How many messages may be refused: as forbidden, or as unavailable without taking effect. */
  readonly refused: number
  /** How many processes may be interrupted (Ctrl-C). */
  readonly interrupts: number
  /** What the application and outsiders may do, each once. */
  readonly outsideActs: readonly OutsideAct[]
}

/** Something that the application or an outsider does. */
export interface OutsideAct {
  readonly name: string
  /** Changes the world. Returns whether that was possible. */
  readonly act: (world: World) => boolean
  /** Applies the change to the expected contents, if it matters for them. */
  readonly replay?: (expected: Expected) => void
  /** The name of the act that has to come first. */
  readonly after?: string
}

/** What the stores should contain after the operations that happened. */
export interface Expected {
  readonly rows: Record<string, { name: string; live: boolean }>
  readonly secrets: Record<string, Readonly<Record<string, unknown>>>
}

const id = (prefix: string) => `${prefix}-0000-4000-8000-000000000000`
export const [A, B, X] = [id('aaaaaaaa'), id('bbbbbbbb'), id('eeeeeeee')] as const
export const [FIRST, SECOND] = [id('00000001'), id('00000002')] as const
export const ORGANIZATION = id('cccccccc')
const ANN = id('dddddddd')

/** Complete credentials, which differ in warehouse and catalog. */
export function credentials(warehouse: string, catalog = warehouse): Record<string, string> {
  const rest = { default_catalog: catalog }
  return { type: 'databricks', host: 'h.example.com', api_key: 'k', warehouse_id: warehouse, ...rest }
}

/** The fields that an update has to give if nothing is stored. */
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

/** A world with the data source A, whose secret is in the given condition. */
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

/** The application creates a record with this name. Only the unique index can prevent it. */
export function takesName(name: string): OutsideAct {
  return {
    name: `the application takes ${name}`,
    act: ({ db }) => {
      if (db.rows.some(known => known.name === name && !known.deleted)) return false
      db.rows.push(row(X, name))
      return true
    },
  }
}

/** The application deletes the record with the name that it took. */
export function freesName(name: string): OutsideAct {
  const act = ({ db }: World) => {
    const taken = db.rows.find(known => known.id === X)
    if (taken) taken.deleted = true
    return taken !== undefined
  }
  return { name: `the application frees ${name}`, act, after: takesName(name).name }
}

export const deletesRecord: OutsideAct = {
  name: 'the application deletes the record',
  act: world => changeRecord(world, known => Object.assign(known, { deleted: true })),
  replay: ({ rows }) => Object.assign(rows[A] ?? {}, { live: false }),
}

export const renamesRecord: OutsideAct = {
  name: 'the application renames the record',
  act: world => changeRecord(world, known => Object.assign(known, { name: 'n9' })),
  replay: ({ rows }) => Object.assign(rows[A] ?? {}, { name: 'n9' }),
}

/** Someone outside dsctl writes the secret, without check-and-set. */
export function writesSecret(value: string): OutsideAct {
  return {
    name: `an outsider writes the secret (${value})`,
    act: world =>
      changeSecret(world, secret => {
        secret.current++
        secret.versions[secret.current] = credentials(value)
        delete secret.versions[secret.current - world.vault.kept]
      }),
    replay: ({ secrets }) => Object.assign(secrets, { [A]: credentials(value) }),
  }
}

export const deletesMetadata: OutsideAct = {
  name: 'an outsider deletes the metadata',
  act: world =>
    changeSecret(world, () => {
      delete world.vault.secrets[keyOf({ organizationId: ORGANIZATION, secretId: A })]
    }),
  replay: ({ secrets }) => void delete secrets[A],
}

function changeRecord({ db }: World, change: (row: MemoryRow) => void): boolean {
  const live = db.rows.find(known => known.id === A && !known.deleted)
  if (live) change(live)
  return live !== undefined
}

function changeSecret(world: World, change: (secret: World['vault']['secrets'][string]) => void): boolean {
  const secret = world.vault.secrets[keyOf({ organizationId: ORGANIZATION, secretId: A })]
  if (secret) change(secret)
  if (world.db.intents.some(({ state }) => state !== 'closed')) world.outsider = true
  return secret !== undefined
}
