import { DsctlError } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import type { Identity } from '../ports/caller.ts'
import type { VaultClient } from './client.ts'
import { notVaultError, tokenRejected, vaultError } from './errors.ts'

/**
 * Who the token says is asking. The address comes from the token's entity, never from the token's own metadata or
 * display name, since whoever makes a child token chooses those. `asUser` (`--user`) is for a root token, or for an
 * entity whose metadata `dsctl_act_as` lists that address.
 * Throws `unauthenticated` for a token that is none (`tokenFrom` says in its hint what to do), `forbidden` where it may not act for `asUser` or is nobody's.
 */
export async function vaultIdentity(
  client: VaultClient,
  asUser: string | undefined,
  tokenFrom: string | undefined,
): Promise<Identity> {
  const token = await lookUpSelf(client, tokenFrom)
  const ttl = typeof token.ttl === 'number' && token.ttl > 0 ? token.ttl : undefined
  const root = Array.isArray(token.policies) && token.policies.includes('root')
  if (asUser !== undefined && root) return { email: asUser, source: 'named by a root token', ttl }
  if (typeof token.entity_id !== 'string' || token.entity_id === '') throw nobody(root ? AS_ROOT : NO_ENTITY)
  const entity = await readEntity(client, token.entity_id)
  if (asUser !== undefined) {
    if (!mayActAs(entity, asUser)) throw mayNot(asUser)
    return { email: asUser, source: 'dsctl_act_as of the Vault entity', ttl }
  }
  return { ...addressOf(entity, token.entity_id), ttl }
}

interface Token {
  readonly ttl?: unknown
  readonly policies?: unknown
  readonly entity_id?: unknown
}

async function lookUpSelf(client: VaultClient, tokenFrom: string | undefined): Promise<Token> {
  const answer = await client.read('auth/token/lookup-self')
  const data = answer.ok ? valueAt(answer.body, 'data') : undefined
  if (typeof data === 'object' && data !== null) return data
  if (answer.ok || answer.status === 404) throw notVaultError()
  if (answer.status !== 403 && answer.status !== 401) throw vaultError(answer, 'look up its own token')
  throw tokenRejected(tokenFrom)
}

async function readEntity(client: VaultClient, id: string): Promise<unknown> {
  const answer = await client.read(`identity/entity/id/${id}`)
  if (answer.ok) return valueAt(answer.body, 'data')
  if (answer.status !== 403 && answer.status !== 404) throw vaultError(answer, 'read its own identity')
  throw new DsctlError(
    'forbidden',
    'Vault does not let the token read its own identity, so it is unknown who is asking.',
    {
      hint: 'Its policy needs: path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["read"] }.',
    },
  )
}

const MOUNTS_OF_PEOPLE = ['oidc', 'jwt', 'ldap']

/** The entity's own `email`; else what its aliases on mounts that know people say. Two different ones are an error. */
function addressOf(entity: unknown, id: string): { email: string; source: string } {
  const own = valueAt(valueAt(entity, 'metadata'), 'email')
  if (typeof own === 'string' && own !== '') return { email: own, source: 'metadata of the Vault entity' }
  const aliases = valueAt(entity, 'aliases')
  const found = new Map((Array.isArray(aliases) ? aliases : []).flatMap(addressOfAlias))
  const [first, ...others] = found
  if (!first) throw nobody(`Set the address: vault write identity/entity/id/${id} metadata=email=ADDRESS.`)
  if (others.length) {
    throw new DsctlError(
      'forbidden',
      `The Vault entity has several e-mail addresses: ${[...found.keys()].join(', ')}.`,
      {
        hint: `Set the one that counts: vault write identity/entity/id/${id} metadata=email=ADDRESS.`,
      },
    )
  }
  return { email: first[0], source: first[1] }
}

function addressOfAlias(alias: unknown): [string, string][] {
  const type = valueAt(alias, 'mount_type')
  if (typeof type !== 'string' || !MOUNTS_OF_PEOPLE.includes(type)) return []
  const email = valueAt(valueAt(alias, 'metadata'), 'email')
  if (typeof email === 'string' && email !== '') return [[email, `metadata of a Vault ${type} alias`]]
  const name = valueAt(alias, 'name')
  return typeof name === 'string' && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(name)
    ? [[name, `name of a Vault ${type} alias`]]
    : []
}

function mayActAs(entity: unknown, email: string): boolean {
  const list = valueAt(valueAt(entity, 'metadata'), 'dsctl_act_as')
  return typeof list === 'string' && list.split(/[\s,]+/).includes(email)
}

function mayNot(email: string): DsctlError {
  return new DsctlError('forbidden', `This token may not act as ${email}.`, {
    hint: '--user works with a root token, or where the entity’s metadata dsctl_act_as lists the address.',
  })
}

const AS_ROOT = 'With a root token, say who is asking: --user EMAIL (or DSCTL_USER).'
const NO_ENTITY = 'It has no entity, which an address could be set on: log in by a method that gives one (dsctl login).'

function nobody(hint: string): DsctlError {
  return new DsctlError('forbidden', 'The Vault token belongs to nobody: it leads to no e-mail address.', { hint })
}
