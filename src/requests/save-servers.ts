import type { Context } from '../cli/context.ts'
import { findProfile } from '../settings/profiles.ts'
import { hasPassword } from '../settings/setting-problem.ts'

const SAVED = [
  'database.url',
  'vault.addr',
  'vault.mount',
  'vault.path',
  'vault.namespace',
  'vault.caCert',
  'org',
] as const

/** Saves what flags and environment say, but no password; answers whether that changed the profile. */
export async function saveServers(context: Context): Promise<boolean> {
  const { profile, file, all } = context.settings()
  const given = all.filter(({ key, source }) => SAVED.some(name => name === key) && /^(flag|environment)/.test(source))
  const values = given.filter(({ key, value }) => !(key === 'database.url' && value && hasPassword(value)))
  if (values.length < given.length) {
    context.note('database.url was not saved, since it holds a password: keep it in the environment.')
  }
  const stored = findProfile(file, profile) ?? {}
  if (values.every(({ key, value }) => stored[key] === value)) return false
  await context.saveProfile(profile, Object.fromEntries(values.map(({ key, value }) => [key, value])))
  context.note(`Saved the settings as profile ${profile}.`)
  return true
}
