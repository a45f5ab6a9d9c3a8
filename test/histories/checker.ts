import type { Site } from '../support/site.ts'
import { everythingIn } from '../support/stored.ts'
import { workers } from '../support/workers.ts'
import { TIMEOUT } from './command-line.ts'
import type { History } from './history.ts'
import { runHistory } from './run-history.ts'
import { problemsIn } from './verify.ts'

export interface Checker {
  /** Runs a history. Throws every problem found in its results, with a trace of what happened. */
  check(history: History): Promise<void>
  close(): void
}

/** Checks histories of `program`, the path of a run.js. Nothing else may use the site. */
export async function createChecker(site: Site, program: string): Promise<Checker> {
  // Each history begins with empty tables.
  await site.database.query('ALTER TABLE dsctl.audit_events DISABLE TRIGGER append_only')
  const processes = workers(site.home, { program, timeout: TIMEOUT })
  const doctor = await processes.take()
  return {
    async check(history) {
      const run = await runHistory(site, history, { workers: processes, doctor })
      const stored = await everythingIn(site)
      await clear(site, Object.keys(stored.secrets))
      const problems = problemsIn(run, stored)
      if (problems.length) throw new Error([...problems, '', ...run.trace].join('\n'))
    },
    close: () => processes.close(),
  }
}

async function clear({ database, vault }: Site, paths: readonly string[]): Promise<void> {
  await database.query('DELETE FROM dsctl.audit_events; DELETE FROM dsctl.pending_operations; DELETE FROM data_sources')
  await Promise.all(paths.map(path => vault.request('DELETE', `${vault.mount}/metadata/${path}`)))
}
