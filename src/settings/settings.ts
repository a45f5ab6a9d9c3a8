import { homedir } from 'node:os'
import { join } from 'node:path'
import { databaseUrlProblem } from '../domain/database-url.ts'
import { DsctlError, type FieldProblem, invalid } from '../domain/errors.ts'
import { OUTPUT_FORMATS } from '../domain/output-format.ts'
import { didYouMean, findClosest } from '../lib/did-you-mean.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'
import { SETTING_KEYS, type SettingKey, type SettingName } from './keys.ts'
import { embeddedFolder, findProfile, readSettingsFile, type SettingsFile, settingsFilePath } from './profiles.ts'
import { vaultAddressProblem } from './vault-address.ts'
import { vaultPathProblem } from './vault-path.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Record<string, unknown>>

/** One setting's value and where it comes from, for instance `environment VAULT_ADDR`. */
export interface Setting {
  readonly key: SettingName
  readonly value: string | undefined
  readonly source: string
}

export interface Settings {
  readonly profile: string
  /** The settings file. */
  readonly path: string
  readonly file: SettingsFile
  readonly all: readonly Setting[]
  /** The folder of the embedded profile, where that is in use. */
  readonly embeddedFolder: { readonly value: string; readonly source: string } | undefined
  get(key: SettingName): string | undefined
}

/** The built-in profile that needs no server. It is used only where it is named. */
export const EMBEDDED_PROFILE = 'embedded'

/** What a profile may be while it is being changed: one that is not there yet, one with a value that no setting takes. */
export interface ReadOptions {
  readonly allowNewProfile?: boolean
  readonly allowInvalidValues?: boolean
}

/** Flag, then environment, then profile, then default. Throws `invalid` where a named profile does not exist. */
export function readSettings(flags: Flags, env: Environment, tolerance: ReadOptions = {}): Settings {
  const path = settingsFilePath(env)
  const file = readSettingsFile(path)
  const named = text(flags.profile) ?? text(env.DSCTL_PROFILE)
  const profile = named ?? file.current ?? 'default'
  const stored = findProfile(file, profile)
  if (!stored && named !== undefined && named !== EMBEDDED_PROFILE && !tolerance.allowNewProfile)
    throw unknownProfileError(profile, file)
  const all = SETTING_KEYS.map(key => resolve(key, { flags, env, profile, stored: stored ?? {} }))
  const problems = tolerance.allowInvalidValues ? [] : all.flatMap(problemOf)
  if (problems.length) throw invalid('A setting cannot be used like this.', problems, repairHint(all))
  const home = { value: embeddedFolder(env), source: text(env.DSCTL_HOME) ? 'environment DSCTL_HOME' : 'default' }
  return {
    ...{ profile, path, file, all },
    embeddedFolder: profile === EMBEDDED_PROFILE ? home : undefined,
    get: key => all.find(setting => setting.key === key)?.value,
  }
}

/** From where a command takes its Vault token, if there is one. */
export function tokenSource(env: Environment): 'VAULT_TOKEN' | 'VAULT_ROLE_ID' | '~/.vault-token' | undefined {
  if (tokenInEnvironment(env) !== undefined) return 'VAULT_TOKEN'
  if (env.VAULT_ROLE_ID && env.VAULT_SECRET_ID) return 'VAULT_ROLE_ID'
  return tokenInFile(env) === undefined ? undefined : '~/.vault-token'
}

/** The Vault token in the environment, VAULT_TOKEN. */
export function tokenInEnvironment(env: Environment): string | undefined {
  return checkedToken(env.VAULT_TOKEN)
}

/** The Vault token in the file where `vault login` keeps it. */
export function tokenInFile(env: Environment): string | undefined {
  try {
    return checkedToken(readRegularFile(tokenPath(env)))
  } catch (error) {
    if (error instanceof DsctlError) throw error
    return undefined
  }
}

/** Where `vault login` keeps the token. */
export function tokenPath(env: Environment): string {
  return join(env.HOME || homedir(), '.vault-token')
}

function checkedToken(text: string | undefined): string | undefined {
  const token = text?.trim()
  if (!token) return undefined
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw invalid('The Vault token holds characters that no token has.', [], 'Set VAULT_TOKEN again, or log in again.')
}

/** Why a value is not one for this setting, if it is not. */
export function settingProblem(key: SettingName, value: string): string | undefined {
  if (value === '') return 'must not be empty: dsctl config unset takes it out'
  if (key === 'database.url' && hasPassword(value)) {
    return 'must not hold a password, which others could read: use PGPASSWORD, ~/.pgpass or database.vaultRole'
  }
  if (key === 'database.url') return databaseUrlProblem(value)
  if (key === 'vault.addr' && value.includes('@'))
    return 'must look like https://vault.example.com:8200, without a login'
  if (key === 'vault.addr') return vaultAddressProblem(value)
  if (key === 'vault.path' && !value.includes('{id}')) return 'must have {id} in it, where the data source’s UUID goes'
  if (key === 'vault.path' || key === 'vault.mount') return vaultPathProblem(value)
  if (key === 'output' && !OUTPUT_FORMATS.some(format => format === value)) {
    return `must be one of ${OUTPUT_FORMATS.join(', ')}${didYouMean(value, OUTPUT_FORMATS)}`
  }
  if (key === 'audit.reads' && !['on', 'off'].includes(value)) return 'must be on or off'
  return undefined
}

function resolve(
  { key, env: names, flag, default: fallback }: SettingKey & { key: SettingName },
  given: { flags: Flags; env: Environment; profile: string; stored: Readonly<Record<string, string>> },
): Setting {
  const flagged = flag === undefined ? undefined : text(given.flags[flag])
  if (flagged !== undefined) return { key, value: flagged, source: 'flag' }
  const name = names.find(variable => text(given.env[variable]) !== undefined)
  if (name !== undefined) return { key, value: text(given.env[name]), source: `environment ${name}` }
  const stored = given.stored[key]
  if (stored !== undefined) return { key, value: stored, source: `profile ${given.profile}` }
  return { key, value: fallback, source: fallback === undefined ? 'not set' : 'default' }
}

// The environment may hold a password that a profile and a command line may not.
function problemOf({ key, value, source }: Setting): readonly FieldProblem[] {
  if (value === undefined || source === 'default' || source.startsWith('environment')) return []
  const message = settingProblem(key, value)
  return message ? [{ field: key, message: `${message} (from: ${source})` }] : []
}

function repairHint(all: readonly Setting[]): string | undefined {
  const wrong = all.find(setting => setting.source.startsWith('profile') && problemOf(setting).length)
  return wrong && `To mend the profile: dsctl config set ${wrong.key} VALUE, or dsctl config unset ${wrong.key}.`
}

/** The error for a profile that there is not, with the one that was probably meant. */
export function unknownProfileError(profile: string, { profiles }: SettingsFile): DsctlError {
  const names = Object.keys(profiles)
  const near = findClosest(profile, [...names, 'embedded'])
  const known = names.length ? `there are ${names.join(', ')}` : 'there is none yet'
  return invalid(
    `There is no profile ${profile}: ${known}.`,
    [],
    near ? `Did you mean ${near}?` : `dsctl init --profile ${profile} makes it.`,
  )
}

/** Whether a database URL holds a password, or can't be told not to: with a / in it, one ends at an @ further on. */
export function hasPassword(url: string): boolean {
  if (/^[^/]*\/\/[^/?#]*[/?#].*@/s.test(url)) return true
  return URL.canParse(url)
    ? new URL(url).password !== '' || new URL(url).searchParams.has('password')
    : /:[^/@]*@/.test(url)
}

// An empty variable is one that is not set, as everywhere.
function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
