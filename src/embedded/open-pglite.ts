import { existsSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { DsctlError } from '../domain/errors.ts'
import { setV8Flag } from '../lib/v8-flags.ts'
import { type EmbeddedHome, FORMAT_VERSION, homeFailure, newerVersionError, readFormat } from './home.ts'
import { writeFileSafely } from './write-file.ts'

/** An open embedded database. */
export interface OpenPglite {
  readonly database: PGlite
  /** Whether this is the first use: tables and members do not exist yet. */
  readonly isNew: boolean
  /** Records that the setup is complete. Without it, the next use starts the setup again. */
  finish(): Promise<void>
}

/**
 * Opens the database of a home that this process has locked. The first use unpacks a data directory from the package,
 * which is much faster than initdb. An interrupted first use left no user data, and starts again.
 */
export async function openPglite(home: EmbeddedHome): Promise<OpenPglite> {
  const format = readFormat(home)
  if (!format) await removeUnfinishedData(home)
  else checkPostgresVersion(home)
  setV8Flag('skipWasmOptimization') // compiling Postgres twice would take half of a command's time
  try {
    // A killed process leaves this file, and Postgres refuses to start if it is empty. The lock excludes a running
    // process.
    rmSync(join(home.data, 'postmaster.pid'), { force: true })
    const database = await PGlite.create(format ? { dataDir: home.data } : await initialData(home))
    const finish = async () => {
      const postgres = readFileSync(join(home.data, 'PG_VERSION'), 'utf8').trim()
      await writeFileSafely(home.format, `${JSON.stringify({ version: FORMAT_VERSION, postgres })}\n`)
    }
    return { database, isNew: format === undefined, finish }
  } catch (error) {
    throw openFailure(home, error)
  }
}

const PREPARED_DATA = join(import.meta.dirname, 'embedded-data.tar.gz')

async function initialData(home: EmbeddedHome): Promise<{ dataDir: string; loadDataDir?: Blob }> {
  if (!existsSync(PREPARED_DATA)) return { dataDir: home.data }
  return { dataDir: home.data, loadDataDir: new Blob([await readFile(PREPARED_DATA)]) }
}

async function removeUnfinishedData(home: EmbeddedHome): Promise<void> {
  const secrets = await readdir(home.secrets)
  if (secrets.some(name => name.endsWith('.age'))) {
    throw new DsctlError('unavailable', `${home.format} is missing, but ${home.secrets} has secrets.`, {
      outcome: 'none',
      hint: 'Restore it from a backup, or set DSCTL_HOME to another folder.',
    })
  }
  try {
    rmSync(home.data, { recursive: true, force: true })
  } catch (error) {
    throw homeFailure(home.data, error)
  }
}

/** Checked here because the error of PGlite for a newer data directory is not helpful. */
function checkPostgresVersion(home: EmbeddedHome): void {
  const path = join(home.data, 'PG_VERSION')
  if (!existsSync(path)) {
    throw new DsctlError('unavailable', `The embedded database ${home.data} is missing.`, {
      outcome: 'none',
      hint: `Restore ${home.folder} from a backup, or set DSCTL_HOME to another folder.`,
    })
  }
  if (Number(readFileSync(path, 'utf8').trim()) > POSTGRES_VERSION) throw newerVersionError(home)
}

/** The major version of Postgres in the PGlite of package.json. */
const POSTGRES_VERSION = 18

function openFailure(home: EmbeddedHome, error: unknown): DsctlError {
  if (error instanceof DsctlError) return error
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return homeFailure(home.data, error)
  // PGlite does not report the reason.
  if (isFull(home.folder)) return homeFailure(home.data, { code: 'ENOSPC' })
  return new DsctlError('unavailable', `The embedded database ${home.data} is damaged.`, {
    outcome: 'none',
    hint: `Restore ${home.folder} from a backup, or set DSCTL_HOME to another folder.`,
  })
}

/** Whether less space is free than Postgres needs to start. */
function isFull(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < 1024 * 1024
}
