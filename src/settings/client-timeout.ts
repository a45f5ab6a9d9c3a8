import { invalidVariable, vaultVariable } from './vault-variable.ts'

/**
 * VAULT_CLIENT_TIMEOUT in milliseconds: a number of seconds, or a duration of Go such as 1m30s. Undefined if it is not
 * set or 0, as in the Vault command. Throws `invalid` for anything else, and above one hour.
 */
export function clientTimeoutMs(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const variable = vaultVariable(env, 'CLIENT_TIMEOUT')
  if (variable === undefined) return undefined
  const ms = parseDuration(variable.value.trim())
  if (ms === 0) return undefined
  if (ms !== undefined && ms <= MAX_MS) return ms
  throw invalidVariable(variable, 'must be seconds or a duration such as 90s, at most 1h', 'Or pass --timeout SECONDS.')
}

const MAX_MS = 3_600_000

function parseDuration(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)
  return [...parts].reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS_MS[unit] ?? 0), 0)
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
