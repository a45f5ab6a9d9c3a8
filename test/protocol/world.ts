import { isDeepStrictEqual } from 'node:util'
import { Secret } from '../../src/domain/secret.ts'
import type { Records } from '../../src/ports/records.ts'
import type { Secrets } from '../../src/ports/secrets.ts'
import type { MemoryDatabase } from '../contract/memory/database.ts'
import { memoryRecords } from '../contract/memory/memory-records.ts'
import { type MemoryVault, memorySecrets } from '../contract/memory/memory-secrets.ts'

/** Both stores, and what has happened so far. */
export interface World {
  readonly db: MemoryDatabase
  readonly vault: MemoryVault
  /** The operations that have changed a record, and the acts of others that matter, in order. */
  readonly log: string[]
  /** Someone outside dsctl wrote a secret while an operation on it was unclosed, so that write may be lost. */
  outsider: boolean
}

export interface Ports {
  readonly records: Records
  readonly secrets: Secrets
}

/** Changes the ports so that a rule no longer holds. */
export type Mutation = (ports: Ports, world: World) => Ports

/** One call of a port. */
export interface Message {
  readonly port: keyof Ports
  readonly method: string
  readonly args: readonly unknown[]
}

const READS = new Set(['list', 'find', 'findName', 'findIntent', 'read', 'readVersion', 'canRemove', 'lookUp'])

/** Whether a message changes nothing, so that it does not matter if it arrives late. */
export function isRead({ method }: Message): boolean {
  return READS.has(method)
}

export function portsOf(world: World, mutation: Mutation | undefined): Ports {
  const ports = { records: memoryRecords(world.db, 'dsctl'), secrets: memorySecrets(world.vault) }
  return mutation ? mutation(ports, world) : ports
}

/** Applies a message to the stores. Returns the answer. */
export async function deliver(world: World, message: Message, mutation: Mutation | undefined): Promise<unknown> {
  const before = writes(world.db)
  const port = portsOf(world, mutation)[message.port] as unknown as Record<string, (...args: unknown[]) => unknown>
  const answer = await port[message.method]?.(...message.args)
  if (writes(world.db) > before) world.log.push(operationOf(message))
  return answer
}

/** Messages, answers and worlds as text, equal for equal values. Keeps sealed values. */
export function encode(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, plain) {
    const raw = this[key]
    return raw instanceof Secret ? { $sealed: raw.reveal() } : plain
  })
}

export function decode<T>(text: string): T {
  return JSON.parse(text, (_, value) => (isSealed(value) ? new Secret(value.$sealed) : value)) as T
}

export function encodeWorld(world: World): string {
  const { rows, intents, events } = world.db
  for (const table of [rows, intents, events]) table.sort((a, b) => (a.id < b.id ? -1 : 1))
  return JSON.stringify(world)
}

/** Whether the data of two secrets is equal. */
export function sameData(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b)
}

function isSealed(value: unknown): value is { $sealed: unknown } {
  return typeof value === 'object' && value !== null && '$sealed' in value
}

function writes({ rows }: MemoryDatabase): number {
  return rows.reduce((sum, row) => sum + row.writes, 0)
}

/** Begin steps and plain updates carry the id of their intent or event. It is the first argument of commit steps. */
function operationOf({ args }: Message): string {
  const [first, second] = args as [unknown, { intentId?: string; eventId?: string } | undefined]
  return typeof first === 'string' ? first : (second?.intentId ?? second?.eventId ?? '')
}
