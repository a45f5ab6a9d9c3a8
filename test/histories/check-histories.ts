import type { Site } from '../support/site.ts'
import { everythingIn } from '../support/stored.ts'
import { workers } from '../support/workers.ts'
import type { History } from './history.ts'
import { wrongAfter } from './judge.ts'
import { play, TIMEOUT } from './play.ts'

export interface Checker {
  /** Plays a history, and throws what is wrong with how it came out, with all that happened. */
  check(history: History): Promise<void>
  close(): void
}

/** For histories of `program`, which is a run.js. The site is to be used for nothing else. */
export async function checker(site: Site, program: string): Promise<Checker> {
  // Each history begins with empty tables.
  await site.database.query('ALTER TABLE dsctl.audit_events DISABLE TRIGGER append_only')
  const processes = workers(site.home, { program, timeout: TIMEOUT })
  const doctor = await processes.take()
  return {
    async check(history) {
      const played = await play(site, history, { workers: processes, doctor })
      const stored = await everythingIn(site)
      await clear(site, Object.keys(stored.secrets))
      const wrong = wrongAfter(played, stored)
      if (wrong.length) throw new Error([...wrong, '', ...played.trace].join('\n'))
    },
    close: () => processes.close(),
  }
}

async function clear({ database, vault }: Site, paths: readonly string[]): Promise<void> {
  await database.query('DELETE FROM dsctl.audit_events; DELETE FROM dsctl.pending_operations; DELETE FROM data_sources')
  await Promise.all(paths.map(path => vault.request('DELETE', `${vault.mount}/metadata/${path}`)))
}
