import { homedir } from 'node:os'
import { join } from 'node:path'
import { DsctlError, invalid } from '../domain/errors.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'
import { embeddedFolder } from './profiles.ts'
import { findTokenHelper } from './token-helper.ts'
import { vaultVariable } from './vault-variable.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where dsctl takes its Vault token from; undefined if there is none. */
export function tokenSource(env: Environment): string | undefined {
  if (tokenInEnvironment(env) !== undefined) return tokenVariable(env)
  if (env.VAULT_ROLE_ID && env.VAULT_SECRET_ID) return 'VAULT_ROLE_ID'
  if (findTokenHelper(env) !== undefined) return 'token helper'
  if (tokenInFile(env) === undefined) return undefined
  return vaultVariable(env, 'TOKEN_PATH') ? tokenPath(env) : '~/.vault-token'
}

/** The variable that holds the token, if one is set: BAO_TOKEN, otherwise VAULT_TOKEN. */
export function tokenVariable(env: Environment): string | undefined {
  return vaultVariable(env, 'TOKEN')?.name
}

/** The Vault token in BAO_TOKEN or VAULT_TOKEN. Throws `invalid` if it contains characters that a token cannot contain. */
export function tokenInEnvironment(env: Environment): string | undefined {
  return checkToken(vaultVariable(env, 'TOKEN')?.value)
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
  return vaultVariable(env, 'TOKEN_PATH')?.value ?? join(env.HOME || homedir(), '.vault-token')
}

/** Paths of the files that hold credentials of dsctl and its drivers, whether or not they exist. */
export function credentialFiles(env: Environment): readonly string[] {
  const home = env.HOME || homedir()
  const clientKey = vaultVariable(env, 'CLIENT_KEY')
  return [
    tokenPath(env),
    join(home, '.vault-token'),
    env.PGPASSFILE || join(home, '.pgpass'),
    env.PGSERVICEFILE || join(home, '.pg_service.conf'),
    env.PGSSLKEY || join(home, '.postgresql', 'postgresql.key'),
    join(embeddedFolder(env), 'identity'),
    ...(clientKey ? [clientKey.value] : []),
  ]
}

/** A token without the white space around it; undefined if it is empty. Throws `invalid` as above. */
export function checkToken(text: string | undefined): string | undefined {
  const token = text?.trim()
  if (!token) return undefined
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw invalid('The Vault token contains invalid characters.', [], 'Set VAULT_TOKEN again, or run dsctl login.')
}
