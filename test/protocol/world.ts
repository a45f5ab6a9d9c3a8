import { isDeepStrictEqual } from 'node:util'
import { Secret } from '../../src/domain/secret.ts'
import type { Records } from '../../src/ports/records.ts'
import type { Secrets } from '../../src/ports/secrets.ts'
import type { MemoryDatabase } from '../contract/memory/database.ts'
import { memoryRecords } from '../contract/memory/memory-records.ts'
import { type MemoryVault, memorySecrets } from '../contract/memory/memory-secrets.ts'

/** Both stores, and what has happened in them so far. */
export interface World {
  readonly db: MemoryDatabase
  readonly vault: MemoryVault
  /** The operations whose statement has changed a record, and what others did that counts, in order. */
  readonly log: string[]
  /** Whether someone outside dsctl wrote a secret while an operation on it was open: then it may be lost. */
  outsider: boolean
}

export interface Ports {
  readonly records: Records
  readonly secrets: Secrets
}

/** The stores' ports with a rule switched off. */
export type Mutation = (ports: Ports, world: World) => Ports

/** One call of a port, as it travels. */
export interface Message {
  readonly port: keyof Ports
  readonly method: string
  readonly args: readonly unknown[]
}

const READS = new Set(['list', 'find', 'findName', 'findIntent', 'read', 'readVersion', 'mayRemove', 'lookUp'])

/** Whether a message that arrives late changes nothing. */
export function isRead({ method }: Message): boolean {
  return READS.has(method)
}

export function portsOf(world: World, mutation: Mutation | undefined): Ports {
  const ports = { records: memoryRecords(world.db, 'dsctl'), secrets: memorySecrets(world.vault) }
  return mutation ? mutation(ports, world) : ports
}

/** What the stores do with a message: they change, and answer. */
export async function deliver(world: World, message: Message, mutation: Mutation | undefined): Promise<unknown> {
  const before = writes(world.db)
  const port = portsOf(world, mutation)[message.port] as unknown as Record<string, (...args: unknown[]) => unknown>
  const answer = await port[message.method]?.(...message.args)
  if (writes(world.db) > before) world.log.push(operationOf(message))
  return answer
}

/** Messages, answers and worlds as text, the same for what is the same. Sealed values are kept. */
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

/** Whether two stored secrets hold the same. */
export function sameData(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b)
}

function isSealed(value: unknown): value is { $sealed: unknown } {
  return typeof value === 'object' && value !== null && '$sealed' in value
}

function writes({ rows }: MemoryDatabase): number {
  return rows.reduce((sum, row) => sum + row.writes, 0)
}

/** First steps and plain updates carry the id of their intent or event, last steps begin with it. */
function operationOf({ args }: Message): string {
  const [first, second] = args as [unknown, { intentId?: string; eventId?: string } | undefined]
  return typeof first === 'string' ? first : (second?.intentId ?? second?.eventId ?? '')
}
