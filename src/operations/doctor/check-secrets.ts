import type { LiveRecord } from '../../ports/health.ts'
import { familyOf, findSourceType, isTagOf } from '../../source-types/index.ts'
import { PARALLEL_SECRETS } from '../batch/limits.ts'
import { runInParallel } from '../batch/run-in-parallel.ts'
import { retry } from '../two-stores/retry.ts'
import type { OrganizationExamination } from './finding.ts'

/** A record whose secret cannot be used, and why. */
export interface BadSecret {
  readonly record: LiveRecord
  readonly why: string
}

/**
 * Reads each record's secret and checks it against the record's type. `onChecked` is called with the number of checked
 * secrets. Throws UnavailableError if Vault is unavailable.
 */
export async function checkSecrets(
  exam: OrganizationExamination,
  records: readonly LiveRecord[],
  onChecked: (checked: number) => void,
): Promise<readonly BadSecret[]> {
  let checked = 0
  const found = await runInParallel(records, PARALLEL_SECRETS, async record => {
    const why = (await problemOf(exam, record)) && (await problemNow(exam, record))
    onChecked(++checked)
    return why === undefined ? [] : [{ record, why }]
  })
  return found.flat()
}

/** Checks again, because the record may have been updated or deleted after it was read. */
async function problemNow(exam: OrganizationExamination, record: LiveRecord): Promise<string | undefined> {
  const { stores } = exam
  const now = await stores.records.find(stores.caller, { text: record.id, env: undefined })
  return now.kind === 'found' ? problemOf(exam, record) : undefined
}

async function problemOf(
  { stores, organizationId }: OrganizationExamination,
  record: LiveRecord,
): Promise<string | undefined> {
  const read = await retry(stores, () => stores.secrets.read({ organizationId, secretId: record.secretId }))
  if (read.kind !== 'answered') {
    if (read.kind === 'gave up') throw read.error
    return `not readable: ${read.error.message}`
  }
  const { data, deletedAt } = read.answer
  if (!data) return 'deleted'
  if (Object.keys(data).length === 0) return 'empty'
  const type = findSourceType(record.type)
  if (!type) return undefined // A type that only the application knows.
  const { checkStored } = await import('../../source-types/check-stored.ts')
  const problems = checkStored(type, data).map(({ field, message }) => `${field} ${message}`)
  if (deletedAt !== undefined) problems.push(`Vault deletes it at ${deletedAt}`)
  const tag = data.type?.reveal()
  if (!isTagOf(type, tag)) problems.unshift(`its type is ${tag}, but must be ${familyOf(type)}`)
  return problems.length ? problems.join(', ') : undefined
}
