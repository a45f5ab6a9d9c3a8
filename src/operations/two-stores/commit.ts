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
 * Sends the commit step of a create or an update and returns the record. If it was refused, not answered or too late,
 * the intent is settled, and its outcome decides: returns the record if the step was done, throws the reason if not.
 */
export async function commit(stores: Stores, id: string, step: CommitStep): Promise<DataSource> {
  const sent = await retry(stores, step.send).catch(error => rollBackBug(stores, step.intentId, error))
  if (sent.kind === 'answered' && sent.answer.kind === 'done') return sent.answer.record
  const outcome = await settleOwn(stores, step.intentId, { commitLost: sent.lost })
  if (outcome === 'done') return getCommitted(stores, id)
  const reason = sent.kind === 'answered' ? await refusalError(sent.answer, id, step.taken) : sent.error
  throw outcomeError(reason, outcome)
}

/** An error that nobody expects must not leave a secret behind either. */
async function rollBackBug(stores: Stores, intentId: string, error: unknown): Promise<never> {
  await settleOwn(stores, intentId, { commitLost: true })
  throw error
}

/** Reads the record of a commit whose answer was lost. Throws if that fails, but the commit stays done. */
async function getCommitted(stores: Stores, id: string): Promise<DataSource> {
  const ref = { text: id, env: undefined }
  const found = await retry(stores, () => stores.records.find(stores.caller, ref))
  if (found.kind !== 'answered') {
    throw new UnavailableError('maybe', `It is done, but the record cannot be read. ${found.error.message}`, {
      outcome: 'unknown',
      hint: `Run dsctl get ${id} to see it.`,
      id,
    })
  }
  if (found.answer.kind === 'found') return found.answer.record
  throw new DsctlError(
    'not_found',
    `It was done, but you can no longer see ${id}: it was deleted, or your role changed.`,
  )
}

async function refusalError(answer: CommitResult, id: string, taken: () => Promise<DsctlError>): Promise<DsctlError> {
  if (answer.kind === 'taken') return taken()
  return answer.kind === 'gone' ? notFound(id) : rolledBackByOther(id)
}

/** The error of an operation whose intent another process has begun to roll back. */
export function rolledBackByOther(id: string): UnavailableError {
  return new UnavailableError('no', 'This took longer than its lease, and another process has rolled it back.', {
    hint: 'Run it again. If the servers are slow, pass a longer --timeout.',
    id,
  })
}

/** The error of a write to Vault that met a conflict, maybe with an earlier try of itself, that Vault does not show. */
export function writeNotVisible(id: string): UnavailableError {
  return new UnavailableError('maybe', 'Vault does not show the last write, so the change was rolled back.', {
    hint: 'Run it again. If standby nodes answer reads, a node that lags behind may have answered.',
    id,
  })
}
