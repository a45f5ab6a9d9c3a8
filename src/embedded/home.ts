import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DsctlError, invalid } from '../domain/errors.ts'
import { makeFolders } from '../lib/files/make-folders.ts'

/** Where the embedded profile keeps everything: one folder, its owner's alone. */
export interface EmbeddedHome {
  readonly folder: string
  /** PGlite's data directory. */
  readonly data: string
  /** One age file per secret. */
  readonly secrets: string
  /** The age identity that decrypts them. */
  readonly identity: string
  /** What was prepared here and by which dsctl; written last, so that a first use that was cut off begins again. */
  readonly format: string
  /** The user that runs dsctl; undefined on Windows. */
  readonly uid: number | undefined
}

export interface Format {
  readonly version: number
  /** The major version of Postgres whose data directory this is. */
  readonly postgres: string
}

/** The present format; a home of a later one is refused. */
export const FORMAT_VERSION = 1

/** The folders of a home, made where they are missing. Throws where they can't be, or where others could read them. */
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
    accessSync(home.secrets, constants.W_OK) // PGlite would call a database that it can't write to a damaged one
  } catch (error) {
    throw homeFailure(folder, error)
  }
  for (const path of [folder, home.secrets]) requirePrivate(path, uid)
  return home
}

/** What was prepared; undefined where nothing has been, to its end. Throws where a later dsctl did. */
export function readFormat(home: EmbeddedHome): Format | undefined {
  let text: string
  try {
    text = readFileSync(home.format, 'utf8')
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw homeFailure(home.format, error)
  }
  const format = parseFormat(text)
  if (!format)
    throw invalid(`${home.format} is damaged.`, [], 'Restore it from a backup, with the whole folder it is in.')
  if (format.version > FORMAT_VERSION) throw newerVersionError(home)
  return format
}

/** Refuses what belongs to another user, or what a group or others may read. */
export function requirePrivate(path: string, self: number | undefined): void {
  const { mode, uid } = statSync(path)
  if (self === undefined) return // Windows: the folder's own permissions hold
  if (uid !== self && self !== 0) throw invalid(`${path} belongs to another user.`, [], 'Set DSCTL_HOME to your own.')
  if ((mode & 0o077) === 0) return
  throw invalid(`${path} is open to other users, so it is not used.`, [], `Close it: chmod go= ${path}`)
}

/** What a failed file operation means here: nothing was changed. */
export function homeFailure(path: string, error: unknown): DsctlError {
  const code = String((error as { code?: unknown }).code ?? 'unknown reason')
  return new DsctlError('unavailable', `${path} cannot be used: ${REASONS[code] ?? code}.`, {
    outcome: 'none',
    hint: 'The embedded profile keeps its data there; DSCTL_HOME moves it.',
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOENT: 'it cannot be made there',
  ENOTDIR: 'a part of its path is no folder',
}

/** A home whose format or database is of a later version. */
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
