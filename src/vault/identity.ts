import { DsctlError } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import type { Identity } from '../ports/caller.ts'
import type { VaultClient } from './client.ts'
import { notVaultError, type TokenSource, tokenRejected, vaultError } from './errors.ts'

/**
 * Identifies the user by the token's entity, never by the token's own metadata or display name, which the creator of a
 * child token chooses. `asUser` (`--user`) is accepted from a root token, or if `dsctl_act_as` in the entity's metadata
 * lists that address. Throws `unauthenticated` for an invalid token, and `forbidden` if the token may not act as
 * `asUser` or has no address.
 */
export async function vaultIdentity(
  client: VaultClient,
  asUser: string | undefined,
  tokenFrom: TokenSource,
): Promise<Identity> {
  const token = await lookUpToken(client, tokenFrom)
  const ttl = typeof token.ttl === 'number' && token.ttl > 0 ? token.ttl : undefined
  const isRoot = Array.isArray(token.policies) && token.policies.includes('root')
  if (asUser !== undefined && isRoot) return { email: asUser, source: 'named by a root token', ttl }
  if (typeof token.entity_id !== 'string' || token.entity_id === '') throw noAddress(isRoot ? USE_USER : NO_ENTITY)
  const entity = await readEntity(client, token.entity_id)
  if (asUser !== undefined) {
    if (!mayActAs(entity, asUser)) throw notAllowedToActAs(asUser)
    return { email: asUser, source: 'dsctl_act_as of the Vault entity', ttl }
  }
  return { ...addressOf(entity, token.entity_id), ttl }
}

interface TokenData {
  readonly ttl?: unknown
  readonly policies?: unknown
  readonly entity_id?: unknown
}

async function lookUpToken(client: VaultClient, source: TokenSource): Promise<TokenData> {
  const response = await client.read('auth/token/lookup-self')
  const data = response.ok ? valueAt(response.body, 'data') : undefined
  if (typeof data === 'object' && data !== null) return data
  if (response.ok || response.status === 404) throw notVaultError()
  if (response.status !== 403 && response.status !== 401) throw vaultError(response, 'look up its own token')
  throw tokenRejected(source)
}

async function readEntity(client: VaultClient, id: string): Promise<unknown> {
  const response = await client.read(`identity/entity/id/${id}`)
  if (response.ok) return valueAt(response.body, 'data')
  if (response.status !== 403 && response.status !== 404) throw vaultError(response, 'read its own identity')
  throw new DsctlError(
    'forbidden',
    'Vault does not allow the token to read its own identity, so the user is unknown.',
    {
      hint: 'Add to its policy: path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["read"] }.',
    },
  )
}

/** Auth methods that log people in, so an alias's name or metadata may hold an address. */
const METHODS_OF_PEOPLE = ['oidc', 'jwt', 'ldap']

/** The entity's own `email`; otherwise the address in its aliases. Throws `forbidden` for several different ones. */
function addressOf(entity: unknown, id: string): { email: string; source: string } {
  const own = valueAt(entity, 'metadata', 'email')
  if (typeof own === 'string' && own !== '') return { email: own, source: 'metadata of the Vault entity' }
  const aliases = valueAt(entity, 'aliases')
  const sources = new Map((Array.isArray(aliases) ? aliases : []).flatMap(addressOfAlias))
  const [first, ...others] = sources
  const command = `vault write identity/entity/id/${id} metadata=email=ADDRESS`
  if (!first) throw noAddress(`Set it: ${command}.`)
  if (others.length) {
    const message = `The Vault entity has several e-mail addresses: ${[...sources.keys()].join(', ')}.`
    throw new DsctlError('forbidden', message, { hint: `Set the correct one: ${command}.` })
  }
  return { email: first[0], source: first[1] }
}

function addressOfAlias(alias: unknown): [email: string, source: string][] {
  const type = valueAt(alias, 'mount_type')
  if (typeof type !== 'string' || !METHODS_OF_PEOPLE.includes(type)) return []
  const email = valueAt(alias, 'metadata', 'email')
  if (typeof email === 'string' && email !== '') return [[email, `metadata of a Vault ${type} alias`]]
  const name = valueAt(alias, 'name')
  return typeof name === 'string' && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(name)
    ? [[name, `name of a Vault ${type} alias`]]
    : []
}

function mayActAs(entity: unknown, email: string): boolean {
  const list = valueAt(entity, 'metadata', 'dsctl_act_as')
  return typeof list === 'string' && list.split(/[\s,]+/).includes(email)
}

function notAllowedToActAs(email: string): DsctlError {
  return new DsctlError('forbidden', `This token may not act as ${email}.`, {
    hint: '--user requires a root token, or an entity whose metadata dsctl_act_as lists the address.',
  })
}

const USE_USER = 'With a root token, pass --user EMAIL or set DSCTL_USER.'
const NO_ENTITY =
  'The token has no entity to set an address on. Log in with a method that creates an entity: dsctl login.'

function noAddress(hint: string): DsctlError {
  return new DsctlError('forbidden', 'The Vault token has no e-mail address, so the user is unknown.', { hint })
}
