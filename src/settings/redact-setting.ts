import { databaseUrlProblem } from '../domain/database-url.ts'
import { REDACTED } from '../domain/secret.ts'
import type { SettingName } from './keys.ts'
import { vaultAddressProblem } from './vault-address.ts'

/** A value as it may be shown: an address may hold a password, and one that cannot be read may hold it anywhere. */
export function redactSetting(key: SettingName, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (key === 'database.url') return databaseUrlProblem(value) ? REDACTED : shownUrl(value)
  if (key === 'vault.addr') return vaultAddressProblem(value) ? REDACTED : shownUrl(value, true)
  return value
}

/** `userIsSecret`: a token may stand where the user does. */
function shownUrl(text: string, userIsSecret = false): string {
  const { username, password, searchParams } = new URL(text)
  const hasLogin = password !== '' || (userIsSecret && username !== '')
  const shown = hasLogin ? text.replace(/\/\/.*@/s, `//${REDACTED}@`) : text
  // Its name may be written in more ways than one.
  return searchParams.has('password') ? shown.replace(/\?.*/s, `?${REDACTED}`) : shown
}
