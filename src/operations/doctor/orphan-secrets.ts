import { permitted } from '../authorize.ts'
import { PARALLEL_SECRETS } from '../batch/limits.ts'
import { runInParallel } from '../batch/run-in-parallel.ts'
import { checkInterrupted, count, type Finding, type OrganizationExamination, ok, summarize } from './finding.ts'

interface Explained {
  /** Secrets left by rolled-back creates and dsctl's own deletes: safe to remove. */
  readonly removable: readonly string[]
  /** Secrets of records that were deleted by other means. */
  readonly deleted: readonly string[]
  readonly unknown: readonly string[]
  /** Whether the Postgres role sees all rows. If not, `unknown` may include secrets whose records are hidden. */
  readonly seesAllRows: boolean
}

/** Reports where secrets without a live record come from. With `fix`, removes those that are safe to remove. */
export async function explainOrphans(
  exam: OrganizationExamination,
  rest: readonly string[],
): Promise<readonly Finding[]> {
  const explained = await explain(exam, rest)
  return [
    await removableFinding(exam, explained.removable),
    deletedFinding(explained.deleted),
    unknownFinding(explained),
  ]
}

async function explain(exam: OrganizationExamination, rest: readonly string[]): Promise<Explained> {
  const { stores, health } = exam
  const all = { removable: [] as string[], deleted: [] as string[], unknown: [] as string[], seesAllRows: true }
  for (let from = 0; from < rest.length || from === 0; from += 1000) {
    const part = permitted(await health.records.classifySecrets(stores.caller, rest.slice(from, from + 1000)))
    all.removable.push(...part.removable)
    all.deleted.push(...part.deleted)
    all.unknown.push(...part.unknown)
    all.seesAllRows = part.seesAllRows
  }
  if (all.removable.length + all.deleted.length + all.unknown.length === 0) return all
  // List again: a delete or a roll-back may have removed some of them in the meantime.
  const now = new Set(await health.secrets.list(exam.organizationId))
  const still = (ids: readonly string[]) => ids.filter(id => now.has(id))
  return { ...all, removable: still(all.removable), deleted: still(all.deleted), unknown: still(all.unknown) }
}

async function removableFinding(exam: OrganizationExamination, ids: readonly string[]): Promise<Finding> {
  const check = 'leftovers'
  if (ids.length === 0) return ok(check, 'Deleted data sources and failed creates left no secrets.')
  if (exam.fix) {
    const { stores, organizationId } = exam
    await exam.uninterruptible(() =>
      runInParallel(ids, PARALLEL_SECRETS, async secretId => {
        if (!stores.interrupted()) await stores.secrets.remove({ organizationId, secretId })
      }),
    )
    checkInterrupted(exam)
    return {
      ...ok(check, `Removed ${count(ids.length, 'secret')} left by deleted data sources or failed creates.`),
      items: ids,
    }
  }
  const message = `${count(ids.length, 'secret')} to remove, left by deleted data sources or failed creates: ${summarize(ids)}.`
  return { check, status: 'problem', message, fix: 'dsctl doctor --fix', items: ids }
}

function deletedFinding(ids: readonly string[]): Finding {
  const check = 'deleted records'
  if (ids.length === 0) return ok(check, 'Records that were deleted without dsctl left no secrets.')
  return {
    check,
    status: 'warning',
    message: `${count(ids.length, 'secret')} left by records that were deleted without dsctl: ${summarize(ids)}.`,
    fix: 'Run vault kv metadata delete once the secret is no longer needed. dsctl keeps it, since the application may restore the record.',
    items: ids,
  }
}

function unknownFinding({ unknown, seesAllRows }: Explained): Finding {
  const check = 'unknown secrets'
  if (!seesAllRows) {
    const message = 'Row level security hides rows from the Postgres role, so unknown secrets cannot be found.'
    return { check, status: 'warning', message, fix: null, items: [] }
  }
  if (unknown.length === 0) return ok(check, 'Every secret belongs to a record.')
  return {
    check,
    status: 'warning',
    message: `${count(unknown.length, 'secret')} without a record or operation, which dsctl never removes: ${summarize(unknown)}.`,
    fix: 'They may belong to another database: give each database its own vault.path. Remove them only if you know what they are.',
    items: unknown,
  }
}
