import { DsctlError, invalid } from '../domain/errors.ts'
import { Secret } from '../domain/secret.ts'
import { valueAt } from '../lib/value-at.ts'
import { LOGIN_METHODS, type LoginRequest } from '../ports/logins.ts'
import type { VaultClient, VaultResponse } from './client.ts'
import { notVaultError, vaultError } from './errors.ts'

/** Opens a client that sends this token; '' sends none. */
export type Connect = (token: string) => Promise<VaultClient>

/** A token, and the seconds that it is good for; undefined where it does not expire. */
export interface Issued {
  readonly token: string
  readonly ttl: number | undefined
}

/** Gets a token. Throws `unauthenticated` where Vault refuses, never with anything of the secret. */
export async function logIn(connect: Connect, request: LoginRequest): Promise<Issued> {
  const secret = (await unwrapped(connect, request)).reveal()
  if (request.method === 'token') return checked(await connect(secret), secret)
  const { nameField: named, secretField: proof } = LOGIN_METHODS[request.method]
  const path = `auth/${request.mount}/login`
  const client = await connect('')
  const answer =
    named === 'username'
      ? await client.write(`${path}/${encodeURIComponent(request.name)}`, { [proof]: secret })
      : await client.write(path, { [named]: request.name, [proof]: secret })
  if (!answer.ok) throw refusal(answer, request)
  const auth = valueAt(answer.body, 'auth')
  const token = valueAt(auth, 'client_token')
  if (typeof token === 'string' && token !== '') return { token, ttl: seconds(valueAt(auth, 'lease_duration')) }
  throw new DsctlError(
    'unauthenticated',
    'Vault gave no token: it wants a second factor, or does not answer as Vault.',
    {
      hint: 'vault login asks for a second factor; dsctl uses the token that it keeps.',
    },
  )
}

/** Whether the client's own token is a root token; one that Vault does not know is none. */
export async function isRootToken(client: VaultClient): Promise<boolean> {
  const answer = await client.read('auth/token/lookup-self')
  if (!answer.ok && answer.status >= 429) throw vaultError(answer, 'look up its own token')
  const policies = answer.ok ? valueAt(valueAt(answer.body, 'data'), 'policies') : undefined
  return Array.isArray(policies) && policies.includes('root')
}

/** Whether Vault revoked the client's own token. */
export async function revokeOwnToken(client: VaultClient): Promise<boolean> {
  const answer = await client.write('auth/token/revoke-self', {})
  if (!answer.ok && answer.status >= 429) throw vaultError(answer, 'revoke the token')
  return answer.ok
}

async function checked(client: VaultClient, token: string): Promise<Issued> {
  const answer = await client.read('auth/token/lookup-self')
  const data = answer.ok ? valueAt(answer.body, 'data') : undefined
  if (data !== undefined) return { token, ttl: seconds(valueAt(data, 'ttl')) }
  if (answer.ok || answer.status === 404) throw notVaultError()
  if (answer.status !== 403) throw vaultError(answer, 'look up its own token')
  throw new DsctlError('unauthenticated', 'Vault does not accept this token: it is invalid or has expired.', {
    hint: 'Give another one: dsctl login, or vault login.',
  })
}

const WRAPPING_TOKEN = /^(hv)?s\.\S+$/

/**
 * A response-wrapped secret-id is a token that gives the real one, once. What it wraps is checked first: whoever
 * swapped it on the way could otherwise have a login made with an AppRole of their own.
 */
async function unwrapped(connect: Connect, { method, mount, secret }: LoginRequest): Promise<Secret<string>> {
  const token = secret.reveal()
  if (method !== 'approle' || !WRAPPING_TOKEN.test(token)) return secret
  const wrapped = await (await connect('')).write('sys/wrapping/lookup', { token })
  if (!wrapped.ok) throw unwrapFailure(wrapped)
  const path = String(valueAt(valueAt(wrapped.body, 'data'), 'creation_path'))
  if (!path.startsWith(`auth/${mount}/role/`) || !path.endsWith('/secret-id')) {
    throw new DsctlError('unauthenticated', 'The wrapped secret-id does not come from this AppRole mount.', {
      hint: 'Somebody may have swapped it on the way: do not use it.',
    })
  }
  const answer = await (await connect(token)).write('sys/wrapping/unwrap', {})
  if (!answer.ok) throw unwrapFailure(answer)
  const secretId = valueAt(valueAt(answer.body, 'data'), 'secret_id')
  if (typeof secretId === 'string') return new Secret(secretId)
  throw new DsctlError('unauthenticated', 'What was wrapped is no secret-id.')
}

function unwrapFailure(answer: Extract<VaultResponse, { ok: false }>): DsctlError {
  if (answer.status >= 429) return vaultError(answer, 'unwrap the secret-id')
  return new DsctlError('unauthenticated', 'The wrapped secret-id has been used already, or has expired.', {
    hint: 'If nobody you know has used it, somebody else has: ask for a new one.',
  })
}

function refusal(answer: Extract<VaultResponse, { ok: false }>, { method, mount }: LoginRequest): DsctlError {
  if (answer.status >= 429) return vaultError(answer, 'log in')
  if (answer.status === 404 || answer.errors.some(text => /no handler|unsupported path/i.test(text))) {
    return invalid(`Vault has no ${method} login at auth/${mount}.`, [], 'Where it is mounted: --auth-mount MOUNT.')
  }
  return new DsctlError('unauthenticated', `Vault refused the ${method} login at auth/${mount}.`, {
    hint: 'Check the name and the secret, and where the method is mounted: --auth-mount MOUNT.',
  })
}

function seconds(ttl: unknown): number | undefined {
  return typeof ttl === 'number' && ttl > 0 ? ttl : undefined
}
