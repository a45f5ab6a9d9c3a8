import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildIfStale } from './build.ts'
import { checkServers, sweep } from './configured-servers.ts'
import { preparedDataDir } from './pglite-data.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** What went wrong in building dsctl; '' where nothing did. */
    build: string
    /** Distinguishes what this run makes on shared servers. */
    run: string
    /** Where temporary folders are made. */
    folder: string
    /** The file of an empty PGlite data folder; '' where Postgres is configured. */
    pgliteData: string
  }
}

/** Builds dsctl where its source is newer, checks the configured servers, and at the end removes what suites left. */
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
