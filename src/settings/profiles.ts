import { dirname, join } from 'node:path'
import envPaths from 'env-paths'
import { DsctlError, invalid } from '../domain/errors.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { makeFolders } from '../lib/files/make-folders.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'

/** The settings file: profiles by name, and which one is in use where none is named. It never holds a secret. */
export interface SettingsFile {
  readonly version: 1
  readonly current?: string
  readonly profiles: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A profile, where there is one of that name. */
export function findProfile({ profiles }: SettingsFile, name: string): Readonly<Record<string, string>> | undefined {
  return Object.hasOwn(profiles, name) ? profiles[name] : undefined
}

/** Where the settings file is: DSCTL_CONFIG_DIR, or the platform's folder for settings. */
export function settingsFilePath(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.DSCTL_CONFIG_DIR || envPaths('dsctl', { suffix: '' }).config, 'config.json')
}

/** Where the embedded profile keeps its data: DSCTL_HOME, or the platform's folder for data. */
export function embeddedFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env.DSCTL_HOME || envPaths('dsctl', { suffix: '' }).data
}

/**
 * Reads the settings file, without conf, which every start would pay for: it writes, this reads the same JSON. Throws
 * `invalid`, and leaves the file as it is, where it is damaged or of a newer dsctl.
 */
export function readSettingsFile(path: string): SettingsFile {
  const text = readText(path)
  if (text === undefined) return { version: 1, profiles: {} }
  const file = parsed(text)
  if (!isObject(file)) throw damaged(path, 'is not valid JSON')
  if (typeof file.version === 'number' && file.version > 1) throw damaged(path, 'was written by a newer dsctl')
  if (!isObject(file.profiles) || !Object.values(file.profiles).every(isProfile)) throw damaged(path, 'has no profiles')
  return file as unknown as SettingsFile
}

/**
 * Changes the settings file: atomically, readable by its owner alone, and one process after the other, so that none
 * undoes what another has just written. Throws `invalid` where it cannot be written, `conflict` where others keep at it.
 */
export async function updateSettingsFile(path: string, change: (file: SettingsFile) => SettingsFile): Promise<void> {
  const release = await lock(path)
  try {
    await write(path, change(readSettingsFile(path)))
  } finally {
    await release()
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  const { default: lockfile } = await import('proper-lockfile')
  try {
    makeFolders(dirname(path))
    const retries = { retries: 60, factor: 1.1, minTimeout: 10, maxTimeout: 250, randomize: true }
    return await lockfile.lock(path, { realpath: false, stale: 5_000, retries, onCompromised: () => {} })
  } catch (error) {
    if (codeOf(error) !== 'ELOCKED') throw unwritable(path, error)
    throw new DsctlError('conflict', `Another dsctl is writing the settings file ${path}.`, {
      hint: `Try again. If none is running, remove ${path}.lock.`,
    })
  }
}

async function write(path: string, file: SettingsFile): Promise<void> {
  const { default: Conf } = await import('conf')
  try {
    const conf = new Conf<Record<string, unknown>>({
      cwd: dirname(path),
      configName: 'config',
      projectName: 'dsctl',
      configFileMode: 0o600,
      accessPropertiesByDotNotation: false,
    })
    conf.store = { ...file }
  } catch (error) {
    throw unwritable(path, error)
  }
}

function unwritable(path: string, error: unknown): DsctlError {
  const code = codeOf(error)
  return invalid(
    `The settings file ${path} cannot be written${code ? ` (${code})` : ''}.`,
    [],
    'Set DSCTL_CONFIG_DIR to a folder that can, or give the settings as environment variables.',
  )
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}

function readText(path: string): string | undefined {
  try {
    return readRegularFile(path)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw invalid(
      `The settings file ${path} ${describeReadError(error)}.`,
      [],
      'Set HOME or DSCTL_CONFIG_DIR to a folder of your own.',
    )
  }
}

// What is wrong with the JSON is not quoted: it might be a secret that somebody put there.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function damaged(path: string, what: string): DsctlError {
  return invalid(
    `The settings file ${path} ${what}.`,
    [],
    'It was left as it is. Mend it, or move it away and run dsctl init.',
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isProfile(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(setting => typeof setting === 'string')
}
