import { invalid } from '../domain/errors.ts'
import { findSettingKey } from './keys.ts'
import { findProfile, updateSettingsFile } from './profiles.ts'
import { EMBEDDED_PROFILE, type Settings, settingProblem, unknownProfileError } from './settings.ts'

type Values = Readonly<Record<string, string | undefined>>

/** Keeps settings in a profile, new or not; undefined takes one out. Throws `invalid`, with every problem. */
export async function saveProfile({ path }: Settings, name: string, values: Values): Promise<void> {
  const problems = Object.entries(values).flatMap(([key, value]) => {
    const message = value === undefined || !findSettingKey(key) ? undefined : problemWith(key, value)
    return message ? [{ field: key, message }] : []
  })
  if (problems.length) throw invalid('The profile cannot be saved like this.', problems)
  await updateSettingsFile(path, file => {
    const merged = Object.entries({ ...findProfile(file, name), ...values }).filter(([, value]) => value !== undefined)
    const profiles = { ...file.profiles, [name]: Object.fromEntries(merged) as Record<string, string> }
    return { ...file, profiles }
  })
}

/** Makes a profile the one that is used where none is named. */
export async function useProfile({ path }: Settings, name: string): Promise<void> {
  await updateSettingsFile(path, file => {
    if (findProfile(file, name) || name === EMBEDDED_PROFILE) return { ...file, current: name }
    throw unknownProfileError(name, file)
  })
}

function problemWith(key: string, value: string): string | undefined {
  const known = findSettingKey(key)
  return known && settingProblem(known.key, value)
}
