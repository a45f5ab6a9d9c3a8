import { existsSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { DsctlError } from '../domain/errors.ts'
import { setV8Flag } from '../lib/v8-flags.ts'
import { type EmbeddedHome, FORMAT_VERSION, homeFailure, newerVersionError, readFormat } from './home.ts'
import { writeFileSafely } from './write-file.ts'

/** An open database, and whether this is its first use: then tables and members are still to be made. */
export interface OpenPglite {
  readonly database: PGlite
  readonly isNew: boolean
  /** Says that all is made; until then a next opening begins anew. */
  finish(): Promise<void>
}

/**
 * Opens the database of a home that this process has locked. A first use starts from the data directory in the package,
 * which takes a fraction of what initdb would; one that was cut off left nothing of worth, and begins again.
 */
export async function openPglite(home: EmbeddedHome): Promise<OpenPglite> {
  const format = readFormat(home)
  if (!format) await removeUnfinishedData(home)
  else checkPostgresVersion(home)
  setV8Flag('compileOnce') // Postgres twice would take half of a command's time
  try {
    // Left by a killed process, perhaps still empty, which Postgres refuses. That nobody is at work the lock has shown.
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

const PREPARED = join(import.meta.dirname, 'embedded-data.tar.gz')

async function initialData(home: EmbeddedHome): Promise<{ dataDir: string; loadDataDir?: Blob }> {
  if (!existsSync(PREPARED)) return { dataDir: home.data }
  return { dataDir: home.data, loadDataDir: new Blob([await readFile(PREPARED)]) }
}

async function removeUnfinishedData(home: EmbeddedHome): Promise<void> {
  const secrets = await readdir(home.secrets)
  if (secrets.some(name => name.endsWith('.age'))) {
    throw new DsctlError('unavailable', `${home.format} is missing, though there are secrets in ${home.secrets}.`, {
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

/** PGlite would try, and fail in words of its own. */
function checkPostgresVersion(home: EmbeddedHome): void {
  const path = join(home.data, 'PG_VERSION')
  if (!existsSync(path)) {
    throw new DsctlError('unavailable', `The embedded database ${home.data} is missing.`, {
      outcome: 'none',
      hint: `Restore it from a backup, with all of ${home.folder}, or set DSCTL_HOME to another folder.`,
    })
  }
  if (Number(readFileSync(path, 'utf8').trim()) > POSTGRES_VERSION) throw newerVersionError(home)
}

/** Of the PGlite in package.json. */
const POSTGRES_VERSION = 18

function openFailure(home: EmbeddedHome, error: unknown): DsctlError {
  if (error instanceof DsctlError) return error
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return homeFailure(home.data, error)
  // PGlite does not say what it lacks.
  if (isFull(home.folder)) return homeFailure(home.data, { code: 'ENOSPC' })
  return new DsctlError('unavailable', `The embedded database ${home.data} cannot be opened: it is damaged.`, {
    outcome: 'none',
    hint: `Restore it from a backup, with all of ${home.folder}, or set DSCTL_HOME to another folder.`,
  })
}

/** Less is free than Postgres writes in starting. */
function isFull(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < 1024 * 1024
}
