import type { DataSource } from '../../domain/data-source.ts'
import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import type { CommitResult } from '../../ports/record-steps.ts'
import { notFound } from '../authorize.ts'
import type { Stores } from '../stores.ts'
import { retry } from './retry.ts'
import { outcomeError } from './roll-back.ts'
import { settleOwn } from './settle.ts'

export interface CommitStep {
  readonly intentId: string
  readonly send: () => Promise<CommitResult>
  /** The error for a name that was taken in the meantime. */
  readonly taken: () => Promise<DsctlError>
}

/**
 * Sends the commit step of a create or an update and returns the record. If the step was refused, not answered or too
 * late, settles the intent. If its outcome is `done`, returns the record; otherwise throws the reason.
 */
export async function commit(stores: Stores, id: string, step: CommitStep): Promise<DataSource> {
  const sent = await retry(stores, step.send).catch(error => rollBackBug(stores, step.intentId, error))
  if (sent.kind === 'answered' && sent.answer.kind === 'done') return sent.answer.record
  const outcome = await settleOwn(stores, step.intentId, { commitLost: sent.lost })
  if (outcome === 'done') return getCommitted(stores, id)
  const reason = sent.kind === 'answered' ? await refusalError(sent.answer, id, step.taken) : sent.error
  throw outcomeError(reason, outcome)
}

/** Rolls back after an unexpected error too, so that it does not leave a secret behind. */
async function rollBackBug(stores: Stores, intentId: string, error: unknown): Promise<never> {
  await settleOwn(stores, intentId, { commitLost: true })
  throw error
}

/**
 * Reads the record of a commit whose answer was lost. If that fails, throws an error that says that the change is done.
 */
async function getCommitted(stores: Stores, id: string): Promise<DataSource> {
  const ref = { text: id, env: undefined }
  const found = await retry(stores, () => stores.records.find(stores.caller, ref))
  if (found.kind !== 'answered') {
    throw new UnavailableError('maybe', `The change is done, but the record cannot be read. ${found.error.message}`, {
      outcome: 'unknown',
      hint: `Run dsctl get ${id} to see it.`,
      id,
    })
  }
  if (found.answer.kind === 'found') return found.answer.record
  throw new DsctlError(
    'not_found',
    `The change is done, but you can no longer see ${id}: it was deleted, or your role changed.`,
  )
}

async function refusalError(answer: CommitResult, id: string, taken: () => Promise<DsctlError>): Promise<DsctlError> {
  if (answer.kind === 'taken') return taken()
  return answer.kind === 'gone' ? notFound(id) : rolledBackByOther(id)
}

/** The error of an operation whose intent another process has begun to roll back. */
export function rolledBackByOther(id: string): UnavailableError {
  return new UnavailableError('no', 'The operation took longer than its lease, so another process rolled it back.', {
    hint: 'Run the command again. If the servers are slow, pass a longer --timeout.',
    id,
  })
}

/**
 * The error for a write that Vault refused as a conflict, while the node that was read shows no conflicting version.
 */
export function writeNotVisible(id: string): UnavailableError {
  return new UnavailableError('maybe', 'Vault does not show the last write, so the change was rolled back.', {
    hint: 'Run the command again. If standby nodes answer reads, the answer may have come from a node that lags behind.',
    id,
  })
}
