import { dirname, join } from 'node:path'
import envPaths from 'env-paths'
import { DsctlError, invalid } from '../domain/errors.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { makeFolders } from '../lib/files/make-folders.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'

/** The settings file: profiles by name, and the name of the default profile. It never contains a secret. */
export interface SettingsFile {
  readonly version: 1
  readonly current?: string
  readonly profiles: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** The settings of the profile with this name. */
export function findProfile({ profiles }: SettingsFile, name: string): Readonly<Record<string, string>> | undefined {
  return Object.hasOwn(profiles, name) ? profiles[name] : undefined
}

/** Path of the settings file: in DSCTL_CONFIG_DIR, or in the platform's folder for settings. */
export function settingsFilePath(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.DSCTL_CONFIG_DIR || envPaths('dsctl', { suffix: '' }).config, 'config.json')
}

/** Folder of the embedded profile's data: DSCTL_HOME, or the platform's folder for data. */
export function embeddedFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env.DSCTL_HOME || envPaths('dsctl', { suffix: '' }).data
}

/**
 * Reads the settings file. It does not use the conf package, which writes the file, because loading conf would slow
 * every start. Throws `invalid` if the file is damaged or was written by a newer dsctl.
 */
export function readSettingsFile(path: string): SettingsFile {
  const text = readText(path)
  if (text === undefined) return { version: 1, profiles: {} }
  const file = parseJson(text)
  if (!isObject(file)) throw damaged(path, 'is not valid JSON')
  if (typeof file.version === 'number' && file.version > 1) throw damaged(path, 'was written by a newer dsctl')
  if (!isObject(file.profiles) || !Object.values(file.profiles).every(isProfile)) throw damaged(path, 'has no profiles')
  return file as unknown as SettingsFile
}

/**
 * Changes the settings file atomically and makes it readable only by its owner. A lock keeps processes from overwriting
 * each other's changes. Throws `invalid` if the file cannot be written, `conflict` if the lock is not released in time.
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
    throw new DsctlError('conflict', `Another dsctl process is writing the settings file ${path}.`, {
      hint: `Try again. If no other dsctl is running, remove ${path}.lock.`,
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
    'Set DSCTL_CONFIG_DIR to a writable folder, or pass the settings as environment variables.',
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
      'Set HOME or DSCTL_CONFIG_DIR to a folder that you own.',
    )
  }
}

// The parser's error is dropped: it quotes the text, which may contain a secret.
function parseJson(text: string): unknown {
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
    'The file was not changed. Fix it, or move it away and run dsctl init.',
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isProfile(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(setting => typeof setting === 'string')
}
