import { hasSecretInUrl } from '../domain/database-url.ts'
import { findProfile } from './profiles.ts'
import { saveProfile } from './save.ts'
import type { Settings } from './settings.ts'

const SAVED = [
  'database.url',
  'vault.addr',
  'vault.mount',
  'vault.path',
  'vault.namespace',
  'vault.caCert',
  'org',
] as const

/** The result of `saveServers`. */
export interface SavedServers {
  /** Whether the profile changed. */
  readonly changed: boolean
  /** Whether the database URL was left out because it contains a password. */
  readonly urlOmitted: boolean
}

/**
 * Whether options or variables give a setting. The address of an agent is for this shell or container, so not saved.
 */
const IS_GIVEN = /^(flag|environment (?!\w+_AGENT_ADDR))/

/**
 * Saves, in the profile, the servers and the organization given by options or environment variables. Omits passwords.
 */
export async function saveServers(settings: Settings): Promise<SavedServers> {
  const { profile, file, all } = settings
  const given = all.filter(({ key, source }) => SAVED.some(name => name === key) && IS_GIVEN.test(source))
  const values = given.filter(({ key, value }) => !(key === 'database.url' && value && hasSecretInUrl(value)))
  const urlOmitted = values.length < given.length
  const stored = findProfile(file, profile) ?? {}
  if (values.every(({ key, value }) => stored[key] === value)) return { changed: false, urlOmitted }
  await saveProfile(settings, profile, Object.fromEntries(values.map(({ key, value }) => [key, value])))
  return { changed: true, urlOmitted }
}
