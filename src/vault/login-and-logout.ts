import { once } from '../lib/once.ts'
import { valueAt } from '../lib/value-at.ts'
import type { Logins, LogoutResult } from '../ports/logins.ts'
import { vaultError } from './errors.ts'
import { type Connect, describeUnrevoked, isHiddenByAgent, logIn, revokeOwnToken } from './login.ts'

/** Keeps the token of a login, in the same place as the Vault command. */
export interface TokenStore {
  /** Where the token is saved, to follow "is saved" in a message: `in /home/alice/.vault-token`. */
  readonly place: string
  /** The token; undefined if there is none. */
  read(): Promise<string | undefined>
  save(token: string): Promise<void>
  erase(): Promise<void>
}

export function vaultLogins(connect: Connect, store: TokenStore): Logins {
  const readSaved = once(() => store.read())
  const lookUpSaved = once(async () => lookUpToken(connect, (await readSaved()) ?? ''))
  return {
    async logIn(request) {
      const { token, ttl } = await logIn(connect, request)
      await store.save(token)
      return { ttl, place: store.place }
    },
    async savedTokenIsRoot() {
      if ((await readSaved()) === undefined) return false
      const policies = valueAt(await lookUpSaved(), 'policies')
      return Array.isArray(policies) && policies.includes('root')
    },
    async logOut() {
      const token = await readSaved()
      if (token === undefined) return { outcome: 'none' }
      const result = await revokeUnlessAgents(connect, token, await lookUpSaved())
      await store.erase()
      return result
    },
  }
}

async function revokeUnlessAgents(connect: Connect, token: string, data: unknown): Promise<LogoutResult> {
  if (await belongsToAgent(connect, data)) return { outcome: 'agent' }
  const client = await connect(token)
  return (await revokeOwnToken(client)) ? { outcome: 'revoked' } : describeUnrevoked(client)
}

/** The data of a token, or of the one that an agent adds if it is empty; undefined if Vault accepts none. */
async function lookUpToken(connect: Connect, token: string): Promise<unknown> {
  const response = await (await connect(token)).read('auth/token/lookup-self')
  if (!response.ok && response.status >= 429) throw vaultError(response, 'look up its own token')
  return response.ok ? valueAt(response.body, 'data') : undefined
}

/**
 * Whether an agent owns the token: it adds this very token to requests without one, or replaces every token with its
 * own. Revoking would then end the agent's token, which other programs use.
 */
async function belongsToAgent(connect: Connect, saved: unknown): Promise<boolean> {
  if (isHiddenByAgent(saved)) return true
  const accessor = valueAt(saved, 'accessor')
  if (typeof accessor !== 'string' || accessor === '') return false
  return valueAt(await lookUpToken(connect, ''), 'accessor') === accessor
}
