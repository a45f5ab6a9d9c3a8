import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildIfStale } from './build.ts'
import { checkServers, sweep } from './configured-servers.ts'
import { preparedDataDir } from './pglite-data.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The error output of the build; '' if it succeeded. */
    build: string
    /** The prefix of everything that this run creates on shared servers. */
    run: string
    /** The parent of all temporary folders. */
    folder: string
    /** The archive of an empty PGlite data folder; '' if a Postgres is configured. */
    pgliteData: string
  }
}

/** Builds dsctl if its sources are newer, checks the configured servers, and removes what suites leave behind. */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  const run = Math.random().toString(36).slice(2, 8)
  await checkServers()
  const folder = mkdtempSync(join(tmpdir(), 'dsctl-test-'))
  project.provide('run', run)
  project.provide('folder', folder)
  project.provide('build', buildIfStale())
  project.provide('pgliteData', process.env.DSCTL_TEST_POSTGRES_URL ? '' : await preparedDataDir())
  return async () => {
    rmSync(folder, { recursive: true, force: true })
    await sweep(run)
  }
}
