import { databaseUrlProblem, hasSecretInUrl, hasSecretParameter } from '../domain/database-url.ts'
import { REDACTED } from '../domain/secret.ts'
import type { SettingName } from './keys.ts'
import { vaultAddressProblem } from './vault-address.ts'

/** A setting's value without any password. An address that cannot be parsed is redacted completely. */
export function redactSetting(key: SettingName, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (key === 'database.url') return databaseUrlProblem(value) ? REDACTED : redactDatabaseUrl(value)
  if (key === 'vault.addr') return vaultAddressProblem(value) ? REDACTED : redactAddress(value)
  return value
}

// The name of a parameter may be percent-encoded, so the entire query is redacted.
function redactDatabaseUrl(text: string): string {
  const shown = hasSecretParameter(text) ? text.replace(/\?.*/s, `?${REDACTED}`) : text
  return hasSecretInUrl(shown) ? shown.replace(/\/\/.*@/s, `//${REDACTED}@`) : shown
}

/** The user part of an address may be a token. */
function redactAddress(text: string): string {
  const { username, password } = new URL(text)
  return username || password ? text.replace(/\/\/.*@/s, `//${REDACTED}@`) : text
}
