import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DsctlError, invalid } from '../domain/errors.ts'
import { makeFolders } from '../lib/files/make-folders.ts'

/** The paths of the embedded profile, in one folder that only its owner can access. */
export interface EmbeddedHome {
  readonly folder: string
  /** The data directory of PGlite. */
  readonly data: string
  /** The folder of the age files, one per secret. */
  readonly secrets: string
  /** The file of the age identity that decrypts the secrets. */
  readonly identity: string
  /** A file that describes the data format. It is written last: without it, an interrupted first use starts again. */
  readonly format: string
  /** The user that runs dsctl; undefined on Windows. */
  readonly uid: number | undefined
}

/** The content of the format file. */
export interface Format {
  readonly version: number
  /** The major version of Postgres that created the data directory. */
  readonly postgres: string
}

/** The current format version. A newer one is refused. */
export const FORMAT_VERSION = 1

/** Creates the folders of a home if missing. Throws if that fails, or if other users could read them. */
export function openHome(folder: string, uid: number | undefined): EmbeddedHome {
  const home = {
    folder,
    data: join(folder, 'data'),
    secrets: join(folder, 'secrets'),
    identity: join(folder, 'identity'),
    format: join(folder, 'format.json'),
    uid,
  }
  try {
    makeFolders(home.secrets)
    accessSync(home.secrets, constants.W_OK) // PGlite reports a database that is not writable as damaged
  } catch (error) {
    throw homeFailure(folder, error)
  }
  for (const path of [folder, home.secrets]) requirePrivate(path, uid)
  return home
}

/** Reads the format file. Undefined if the home has not been set up completely. Throws if a newer dsctl wrote it. */
export function readFormat(home: EmbeddedHome): Format | undefined {
  let text: string
  try {
    text = readFileSync(home.format, 'utf8')
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw homeFailure(home.format, error)
  }
  const format = parseFormat(text)
  if (!format) throw invalid(`${home.format} is damaged.`, [], 'Restore its folder from a backup.')
  if (format.version > FORMAT_VERSION) throw newerVersionError(home)
  return format
}

/** Throws if a path belongs to another user, or if its group or others may access it. */
export function requirePrivate(path: string, self: number | undefined): void {
  const { mode, uid } = statSync(path)
  if (self === undefined) return // Windows: the permissions of the folder apply
  if (uid !== self && self !== 0)
    throw invalid(`${path} belongs to another user.`, [], 'Set DSCTL_HOME to a folder of your own.')
  if ((mode & 0o077) === 0) return
  throw invalid(`${path} is accessible to other users.`, [], `Run: chmod go= ${path}`)
}

/** The error for a failed file operation. Nothing was changed. */
export function homeFailure(path: string, error: unknown): DsctlError {
  const code = String((error as { code?: unknown }).code ?? 'unknown reason')
  return new DsctlError('unavailable', `${path} cannot be used: ${REASONS[code] ?? code}.`, {
    outcome: 'none',
    hint: 'The embedded profile stores its data there. To use another folder, set DSCTL_HOME.',
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is exceeded',
  ENOENT: 'a parent folder does not exist',
  ENOTDIR: 'a part of its path is not a folder',
}

/** The error for a home that a newer dsctl or Postgres has written. */
export function newerVersionError({ folder }: EmbeddedHome): DsctlError {
  return invalid(`${folder} was written by a newer dsctl.`, [], 'Update dsctl, or set DSCTL_HOME to another folder.')
}

function parseFormat(text: string): Format | undefined {
  try {
    const { version, postgres } = JSON.parse(text)
    return typeof version === 'number' && typeof postgres === 'string' ? { version, postgres } : undefined
  } catch {
    return undefined
  }
}
