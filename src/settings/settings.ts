import { isUrlOfOtherScheme } from '../domain/database-url.ts'
import { type DsctlError, type FieldProblem, invalid } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import { SETTING_KEYS, type SettingFlags, type SettingKey, type SettingName } from './keys.ts'
import { embeddedFolder, findProfile, readSettingsFile, type SettingsFile, settingsFilePath } from './profiles.ts'
import { settingProblem } from './setting-problem.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A setting's value and its source, for example `environment VAULT_ADDR`. */
export interface Setting {
  readonly key: SettingName
  readonly value: string | undefined
  readonly source: string
}

export interface Settings {
  readonly profile: string
  /** Path of the settings file. */
  readonly path: string
  readonly file: SettingsFile
  readonly all: readonly Setting[]
  /** The embedded profile's folder and the source of that setting; undefined with any other profile. */
  readonly embeddedFolder: { readonly value: string; readonly source: string } | undefined
  get(key: SettingName): string | undefined
}

/** The built-in profile, which needs no server. It is used only if the user selects it. */
export const EMBEDDED_PROFILE = 'embedded'

/** For commands that change a profile: accept one that does not exist yet, or one with invalid values. */
export interface ReadOptions {
  readonly allowNewProfile?: boolean
  readonly allowInvalidValues?: boolean
}

/** Reads every setting: a flag overrides the environment, which overrides the profile. Throws `invalid`. */
export function readSettings(flags: SettingFlags, env: Environment, options: ReadOptions = {}): Settings {
  const path = settingsFilePath(env)
  const file = readSettingsFile(path)
  const named = nonEmpty(flags.profile) ?? nonEmpty(env.DSCTL_PROFILE)
  const profile = named ?? file.current ?? 'default'
  const stored = findProfile(file, profile)
  if (!stored && named !== undefined && named !== EMBEDDED_PROFILE && !options.allowNewProfile)
    throw unknownProfileError(profile, file)
  const all = SETTING_KEYS.map(key => resolve(key, { flags, env, profile, stored: stored ?? {} }))
  const problems = options.allowInvalidValues ? [] : all.flatMap(findProblems)
  if (problems.length) throw invalid('Invalid setting.', problems, repairHint(all))
  const folder = { value: embeddedFolder(env), source: nonEmpty(env.DSCTL_HOME) ? 'environment DSCTL_HOME' : 'default' }
  return {
    ...{ profile, path, file, all },
    embeddedFolder: profile === EMBEDDED_PROFILE ? folder : undefined,
    get: key => all.find(setting => setting.key === key)?.value,
  }
}

interface Given {
  readonly flags: SettingFlags
  readonly env: Environment
  readonly profile: string
  readonly stored: Readonly<Record<string, string>>
}

function resolve(setting: SettingKey & { key: SettingName }, given: Given): Setting {
  const { key, flag, default: fallback } = setting
  const fromFlag = flag === undefined ? undefined : nonEmpty(given.flags[flag])
  if (fromFlag !== undefined) return { key, value: fromFlag, source: 'flag' }
  const name = setting.env.find(variable => applies(variable, setting, given))
  if (name !== undefined) return { key, value: nonEmpty(given.env[name]), source: `environment ${name}` }
  const stored = given.stored[key]
  if (stored !== undefined) return { key, value: stored, source: `profile ${given.profile}` }
  return { key, value: fallback, source: fallback === undefined ? 'not set' : 'default' }
}

function applies(variable: string, { key, sharedVariable }: SettingKey, { flags, env, stored }: Given): boolean {
  const value = nonEmpty(env[variable])
  if (value === undefined || variable !== sharedVariable) return value !== undefined
  const isOverridden = nonEmpty(flags.profile) !== undefined && stored[key] !== undefined
  return !isOverridden && !isUrlOfOtherScheme(value)
}

// Values from the environment are not checked: unlike those of a profile or an option, they may contain a password.
function findProblems({ key, value, source }: Setting): readonly FieldProblem[] {
  if (value === undefined || source === 'default' || source.startsWith('environment')) return []
  const message = settingProblem(key, value)
  return message ? [{ field: key, message: `${message} (from: ${source})` }] : []
}

function repairHint(all: readonly Setting[]): string | undefined {
  const wrong = all.find(setting => setting.source.startsWith('profile') && findProblems(setting).length)
  return wrong && `Run dsctl config set ${wrong.key} VALUE, or dsctl config unset ${wrong.key}, to fix the profile.`
}

/** The error for a profile that does not exist; suggests a profile with a similar name. */
export function unknownProfileError(profile: string, { profiles }: SettingsFile): DsctlError {
  const names = Object.keys(profiles)
  const near = findClosest(profile, [...names, EMBEDDED_PROFILE])
  const known = names.length ? `Profiles: ${names.join(', ')}.` : 'No profile has been saved yet.'
  return invalid(
    `Profile ${profile} does not exist. ${known}`,
    [],
    near ? `Did you mean ${near}?` : `Run dsctl init --profile ${profile} to create it.`,
  )
}

// An empty environment variable counts as not set.
function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
