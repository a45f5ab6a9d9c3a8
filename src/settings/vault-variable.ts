import { invalid } from '../domain/errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A variable of the Vault or OpenBao command that is set in the environment. */
export interface VaultVariable {
  /** The name under which it is set, for messages. */
  readonly name: string
  readonly value: string
}

/** Reads BAO_NAME, otherwise VAULT_NAME, as OpenBao does. An empty variable counts as not set. */
export function vaultVariable(env: Environment, name: string): VaultVariable | undefined {
  for (const variable of vaultNames(name)) {
    const value = env[variable]
    if (value) return { name: variable, value }
  }
  return undefined
}

/** The two names of a variable. The first overrides the second. */
export function vaultNames(name: string): [string, string] {
  return [`BAO_${name}`, `VAULT_${name}`]
}

/** Whether a variable is set to a true value. Throws `invalid` unless it is a boolean as in Go. */
export function vaultFlag(env: Environment, name: string): VaultVariable | undefined {
  const variable = vaultVariable(env, name)
  if (variable === undefined || /^(0|f|F|false|FALSE|False)$/.test(variable.value)) return undefined
  if (/^(1|t|T|true|TRUE|True)$/.test(variable.value)) return variable
  throw invalidVariable(variable, 'must be true or false')
}

/** The error for a variable with an unusable value. The message never quotes the value. */
export function invalidVariable({ name }: VaultVariable, message: string, hint?: string): Error {
  return invalid('Invalid environment variable.', [{ field: name, message }], hint)
}
