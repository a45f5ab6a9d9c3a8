import { randomUUID } from 'node:crypto'
import type { DataSource } from '../../../src/domain/data-source.ts'
import type { Role } from '../../../src/ports/caller.ts'
import type { ClosingIntent } from '../../../src/ports/intent.ts'
import type { CommitResult, NewCreate, NewUpdate } from '../../../src/ports/record-steps.ts'
import { type ListQuery, NO_FILTER } from '../../../src/ports/records.ts'

/** In seconds. */
const LEASE = 1000

/** A query for the first page of everything. */
export const ALL: ListQuery = {
  ...{ page: 0, pageSize: 25 },
  ...NO_FILTER,
}

/** Every role may read. */
export const READERS: readonly Role[] = ['workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer']

export function ref(text: string, env?: string) {
  return { text, env }
}

export function newCreate(create: Partial<NewCreate> = {}): NewCreate {
  return {
    ...{ intentId: randomUUID(), id: randomUUID(), name: 'new', env: 'dev', type: 'postgres', fields: ['host'] },
    ...{ lease: LEASE, failsIfTaken: true },
    ...create,
  }
}

export function newUpdate(text: string, update: Partial<NewUpdate> = {}): NewUpdate {
  return {
    ...{ intentId: randomUUID(), ref: ref(text), name: undefined, env: undefined, fields: ['port'], lease: LEASE },
    ...update,
  }
}

export function newDelete(text: string, { env }: { env?: string } = {}) {
  return { intentId: randomUUID(), ref: ref(text, env), lease: LEASE }
}

export function plainUpdate(text: string, { name, env }: { name?: string; env?: string }) {
  return { eventId: randomUUID(), ref: ref(text), name, env }
}

/** Closes an open intent with the outcome `none`, unless `change` says otherwise. */
export function closingIntent(id: string, change: Partial<ClosingIntent> = {}): ClosingIntent {
  return { ...{ id, state: 'open', outcome: 'none', audit: true, settledBy: undefined }, ...change }
}

/** The record that a commit returned. Throws if the commit did not succeed. */
export function recordOf(result: CommitResult): DataSource {
  if (result.kind !== 'done') throw new Error(`The commit returned ${result.kind}.`)
  return result.record
}
