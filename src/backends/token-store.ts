import { findTokenHelper } from '../settings/token-helper.ts'
import { checkToken, tokenInFile, tokenPath } from '../settings/vault-token.ts'
import type { TokenStore } from '../vault/login-and-logout.ts'
import { removeTokenFile, writeTokenFile } from '../vault/token-file.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where the Vault command keeps its token: with its token helper, or in a file. `addr` is the address of Vault, by which
 * a helper may choose among several tokens.
 */
export async function tokenStore(
  env: Environment,
  { addr, timeoutMs }: { addr: string; timeoutMs: number },
): Promise<TokenStore> {
  const path = findTokenHelper(env)
  if (path === undefined) return fileStore(env)
  const { helperStore } = await import('../vault/token-helper.ts')
  const helper = helperStore({ path, env: { ...env, VAULT_ADDR: addr, BAO_ADDR: addr }, timeoutMs })
  return { ...helper, read: async () => checkToken(await helper.read()) }
}

function fileStore(env: Environment): TokenStore {
  const path = tokenPath(env)
  return {
    place: `in ${path}`,
    read: async () => tokenInFile(env),
    save: async token => writeTokenFile(path, token),
    erase: async () => removeTokenFile(path),
  }
}
