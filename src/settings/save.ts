import { invalid } from '../domain/errors.ts'
import { findSettingKey } from './keys.ts'
import { findProfile, updateSettingsFile } from './profiles.ts'
import { settingProblem } from './setting-problem.ts'
import { EMBEDDED_PROFILE, type Settings, unknownProfileError } from './settings.ts'

type Values = Readonly<Record<string, string | undefined>>

/** Saves settings in a profile, which is created if necessary; undefined removes a setting. Throws `invalid`. */
export async function saveProfile({ path }: Settings, name: string, values: Values): Promise<void> {
  const problems = Object.entries(values).flatMap(([key, value]) => {
    const message = value === undefined ? undefined : findProblem(key, value)
    return message ? [{ field: key, message }] : []
  })
  if (problems.length) throw invalid('Invalid profile. Nothing was saved.', problems)
  await updateSettingsFile(path, file => {
    const merged = Object.entries({ ...findProfile(file, name), ...values }).filter(([, value]) => value !== undefined)
    const profiles = { ...file.profiles, [name]: Object.fromEntries(merged) as Record<string, string> }
    return { ...file, profiles }
  })
}

/** Makes a profile the default. Throws `invalid` if it does not exist. */
export async function useProfile({ path }: Settings, name: string): Promise<void> {
  await updateSettingsFile(path, file => {
    if (findProfile(file, name) || name === EMBEDDED_PROFILE) return { ...file, current: name }
    throw unknownProfileError(name, file)
  })
}

function findProblem(key: string, value: string): string | undefined {
  const known = findSettingKey(key)
  return known && settingProblem(known.key, value)
}
