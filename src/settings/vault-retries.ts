import { invalidVariable, vaultVariable } from './vault-variable.ts'

/** VAULT_MAX_RETRIES; 0 if it is not set, as in the Vault command. Throws `invalid` unless it is a whole number. */
export function vaultRetries(env: Readonly<Record<string, string | undefined>>): number {
  const variable = vaultVariable(env, 'MAX_RETRIES')
  if (variable === undefined || /^-\d{1,9}$/.test(variable.value)) return 0
  if (/^\d{1,9}$/.test(variable.value)) return Number(variable.value)
  throw invalidVariable(variable, 'must be a whole number')
}
