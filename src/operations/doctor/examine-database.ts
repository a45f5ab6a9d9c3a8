import { DsctlError } from '../../domain/errors.ts'
import type { HealthProblem } from '../../ports/health.ts'
import { couldNotCheck, type Examination, type Finding, isRefusal, ok } from './finding.ts'

/** Checks the database. Works even if the caller is unknown or tables are missing. */
export async function examineDatabase(exam: Examination): Promise<readonly Finding[]> {
  const { records } = exam.health
  const [privileges, indexes, prepared] = await Promise.all([records.privileges(), records.indexes(), migrations(exam)])
  return [
    problemsFinding('privileges', 'problem', privileges, 'The Postgres role has all privileges it needs.'),
    prepared,
    problemsFinding('indexes', 'warning', indexes, 'The indexes for unique names and for list exist.'),
  ]
}

async function migrations({ setup }: Examination): Promise<Finding> {
  try {
    const { status } = await setup.inspect()
    if (status === 'ready') return ok('migrations', 'The database is set up.')
    const message = 'The tables in schema dsctl are missing or out of date.'
    return { check: 'migrations', status: 'problem', message, fix: 'dsctl init', items: [] }
  } catch (error) {
    if (!(error instanceof DsctlError) || !isRefusal(error)) throw error
    return couldNotCheck('migrations', error)
  }
}

function problemsFinding(
  check: string,
  status: 'problem' | 'warning',
  found: readonly HealthProblem[],
  fine: string,
): Finding {
  if (found.length === 0) return ok(check, fine)
  const message = `${found.map(each => each.message).join('; ')}.`
  return { check, status, message, fix: found.map(each => each.fix).join(' '), items: [] }
}
