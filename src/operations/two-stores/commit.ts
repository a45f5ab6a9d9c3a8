import type { DataSource } from '../../domain/data-source.ts'
import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import type { CommitResult, Taken } from '../../ports/record-steps.ts'
import { notFound } from '../authorize.ts'
import type { Stores } from '../stores.ts'
import { retry } from './retry.ts'
import { outcomeError } from './roll-back.ts'
import { settleOwn } from './settle.ts'

/**
 * Sends the last step of a create or an update. Where it was refused, not answered, or came too late, the intent is
 * settled, and its outcome is what is told: the record if it was done after all, else why not.
 */
export async function commit(
  stores: Stores,
  id: string,
  step: { intentId: string; send: () => Promise<CommitResult>; taken: () => Promise<DsctlError> },
): Promise<DataSource> {
  const sent = await retry(stores, step.send)
  if (sent.kind === 'answered' && sent.answer.kind === 'done') return sent.answer.record
  const outcome = await settleOwn(stores, { id: step.intentId, lastStepLost: sent.lost })
  if (outcome !== 'done')
    throw outcomeError(sent.kind === 'answered' ? await refusalError(sent.answer, id, step.taken) : sent.error, outcome)
  return getCommitted(stores, id)
}

/** The record of a step that was done though its answer was lost. Whatever fails now does not undo it. */
async function getCommitted(stores: Stores, id: string): Promise<DataSource> {
  const ref = { text: id, env: undefined }
  const found = await retry(stores, () => stores.records.find(stores.caller, ref))
  if (found.kind !== 'answered') {
    throw new UnavailableError('maybe', `It is done, but the record cannot be shown. ${found.error.message}`, {
      outcome: 'unknown',
      hint: `dsctl get ${id} shows it.`,
      id,
    })
  }
  if (found.answer.kind === 'found') return found.answer.record
  throw new DsctlError(
    'not_found',
    `It was done, but you can no longer see ${id}: it was deleted, or your role changed.`,
  )
}

/** The conflict that a taken name is; without an env it is taken in that of the record. `orElse` is what else to do. */
export function nameTakenError({ name, env, id }: Pick<Taken, 'name' | 'env' | 'id'>, orElse = ''): DsctlError {
  const where = env === undefined ? 'its env' : `env ${env}`
  const which = name === undefined ? `Its name in ${where}` : `The name ${name} in ${where}`
  const holder = id === undefined ? '' : `It is data source ${id}. `
  return new DsctlError('conflict', `${which} is taken.`, { hint: `${holder}Choose another name or env${orElse}.` })
}

/** What else a create can do about it. */
export const IF_EXISTS_HINT = ', or say --if-exists skip or update'

/**
 * The same where Postgres refused the name without saying for whom. If no live record has it, a deleted one does: on an
 * application's own database the rule may count those too.
 */
export async function explainNameTaken(
  { caller, records }: Stores,
  { name, env }: { name: string; env: string },
): Promise<DsctlError> {
  const found = await records.findName(caller, { name, env }).catch(() => undefined)
  if (found?.kind !== 'free') return nameTakenError({ name, env, id: found?.kind === 'taken' ? found.id : undefined })
  return new DsctlError('conflict', `The name ${name} in env ${env} is taken.`, {
    hint:
      'Only a deleted data source has it, and the rule of this database counts those too. ' +
      'Choose another name or env; dsctl doctor shows the SQL that would replace the rule.',
  })
}

async function refusalError(answer: CommitResult, id: string, taken: () => Promise<DsctlError>): Promise<DsctlError> {
  if (answer.kind === 'taken') return taken()
  return answer.kind === 'gone' ? notFound(id) : rolledBackByOther(id)
}

/** Why an operation ends whose intent others have begun to undo. */
export function rolledBackByOther(id: string): UnavailableError {
  return new UnavailableError('no', 'This took longer than its lease, and another process has undone it.', {
    hint: 'Run it again, with a longer --timeout if the backends are slow.',
    id,
  })
}

/** Why an operation ends whose write met another in Vault, its own perhaps, that is not shown. */
export function writeNotVisible(id: string): UnavailableError {
  return new UnavailableError('maybe', 'Vault does not show what it was last sent, so the change was taken back.', {
    hint: 'Run it again. Where standbys answer reads, a node that lags may have been asked.',
    id,
  })
}
