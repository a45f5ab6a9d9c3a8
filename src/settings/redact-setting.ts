import { databaseUrlProblem } from '../domain/database-url.ts'
import { REDACTED } from '../domain/secret.ts'
import type { SettingName } from './keys.ts'
import { vaultAddressProblem } from './vault-address.ts'

/** A setting's value without any password. An address that cannot be parsed is redacted completely. */
export function redactSetting(key: SettingName, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (key === 'database.url') return databaseUrlProblem(value) ? REDACTED : redactUrl(value, { userIsSecret: false })
  if (key === 'vault.addr') return vaultAddressProblem(value) ? REDACTED : redactUrl(value, { userIsSecret: true })
  return value
}

/** `userIsSecret`: the user part may be a token. */
function redactUrl(text: string, { userIsSecret }: { userIsSecret: boolean }): string {
  const { username, password, searchParams } = new URL(text)
  const hasLogin = password !== '' || (userIsSecret && username !== '')
  const shown = hasLogin ? text.replace(/\/\/.*@/s, `//${REDACTED}@`) : text
  // The parameter's name may be percent-encoded, so the entire query is redacted.
  return searchParams.has('password') ? shown.replace(/\?.*/s, `?${REDACTED}`) : shown
}
