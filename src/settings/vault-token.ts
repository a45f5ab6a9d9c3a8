import { homedir } from 'node:os'
import { join } from 'node:path'
import { DsctlError, invalid } from '../domain/errors.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'
import { embeddedFolder } from './profiles.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where dsctl takes its Vault token from; undefined if there is none. */
export function tokenSource(env: Environment): 'VAULT_TOKEN' | 'VAULT_ROLE_ID' | '~/.vault-token' | undefined {
  if (tokenInEnvironment(env) !== undefined) return 'VAULT_TOKEN'
  if (env.VAULT_ROLE_ID && env.VAULT_SECRET_ID) return 'VAULT_ROLE_ID'
  return tokenInFile(env) === undefined ? undefined : '~/.vault-token'
}

/** The Vault token in VAULT_TOKEN. Throws `invalid` if it contains characters that a token cannot contain. */
export function tokenInEnvironment(env: Environment): string | undefined {
  return checkToken(env.VAULT_TOKEN)
}

/** The Vault token that `vault login` or `dsctl login` saved. Throws `invalid` like `tokenInEnvironment`. */
export function tokenInFile(env: Environment): string | undefined {
  try {
    return checkToken(readRegularFile(tokenPath(env)))
  } catch (error) {
    if (error instanceof DsctlError) throw error
    return undefined
  }
}

/** The file in which `vault login` and `dsctl login` save the token. */
export function tokenPath(env: Environment): string {
  return join(env.HOME || homedir(), '.vault-token')
}

/** Paths of the files that hold credentials of dsctl and its drivers, whether or not they exist. */
export function credentialFiles(env: Environment): readonly string[] {
  const token = tokenPath(env)
  return [token, env.PGPASSFILE || join(token, '..', '.pgpass'), join(embeddedFolder(env), 'identity')]
}

function checkToken(text: string | undefined): string | undefined {
  const token = text?.trim()
  if (!token) return undefined
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw invalid('The Vault token contains invalid characters.', [], 'Set VAULT_TOKEN again, or run dsctl login.')
}
