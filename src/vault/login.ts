import { DsctlError, invalid } from '../domain/errors.ts'
import { Secret } from '../domain/secret.ts'
import { valueAt } from '../lib/value-at.ts'
import { LOGIN_METHODS, type LoginRequest, type LogoutResult } from '../ports/logins.ts'
import type { VaultClient, VaultResponse } from './client.ts'
import { type ErrorResponse, notVaultError, vaultError } from './errors.ts'

/** Opens a client that sends this token, or none if it is empty. */
export type Connect = (token: string) => Promise<VaultClient>

export interface IssuedToken {
  readonly token: string
  /** Seconds until the token expires; undefined if it does not expire. */
  readonly ttl: number | undefined
  readonly accessor?: string
  /** An agent has issued the token from its cache, and may give it to other programs too. */
  readonly isShared?: boolean
}

/** Gets a token. Throws `unauthenticated` if Vault refuses; the error never contains the secret. */
export async function logIn(connect: Connect, request: LoginRequest): Promise<IssuedToken> {
  if (request.method === 'token') {
    const token = request.secret.reveal()
    return (await unwrapToken(connect, token)) ?? checkToken(await connect(token), token)
  }
  const secret = (request.method === 'approle' ? await unwrapSecretId(connect, request) : request.secret).reveal()
  const { nameField, secretField } = LOGIN_METHODS[request.method]
  const path = `auth/${request.mount}/login`
  const client = await connect('')
  const response =
    nameField === 'username'
      ? await client.write(`${path}/${encodeURIComponent(request.name)}`, { [secretField]: secret })
      : await client.write(path, { [nameField]: request.name, [secretField]: secret })
  if (!response.ok) throw loginError(response, request)
  return { ...issuedToken(response), isShared: client.isCached() }
}

function issuedToken({ body }: VaultResponse): IssuedToken {
  const token = valueAt(body, 'auth', 'client_token')
  const accessor = valueAt(body, 'auth', 'accessor')
  if (typeof token === 'string' && token !== '') {
    const ttl = seconds(valueAt(body, 'auth', 'lease_duration'))
    return { token, ttl, ...(typeof accessor === 'string' && { accessor }) }
  }
  const message = 'Vault returned no token: it requires a second factor, or the server is not Vault.'
  throw new DsctlError('unauthenticated', message, {
    hint: 'Run vault login, which asks for a second factor. dsctl uses the token that it saves.',
  })
}

/** Revokes the client's own token. False if Vault refuses, usually because the token has expired. */
export async function revokeOwnToken(client: VaultClient): Promise<boolean> {
  const response = await client.write('auth/token/revoke-self', {})
  if (!response.ok && response.status >= 429) throw vaultError(response, 'revoke the token')
  return response.ok
}

/** The state of a token that Vault did not revoke: whether and how long it stays valid. */
export async function describeUnrevoked(client: VaultClient): Promise<LogoutResult> {
  const response = await client.read('auth/token/lookup-self')
  const data = response.ok ? valueAt(response.body, 'data') : undefined
  if (data === undefined) return { outcome: 'rejected' }
  return { outcome: 'still valid', ttl: seconds(valueAt(data, 'ttl')), isBatch: valueAt(data, 'type') === 'batch' }
}

/**
 * Revokes the token of a login when the command ends; unless an agent has issued it from its cache, or replaces it with
 * its own token: either is used by other programs.
 */
export async function revokeIssuedToken(client: VaultClient, { accessor, isShared }: IssuedToken): Promise<void> {
  if (isShared || client.isCached()) return
  if (client.tokenData() === undefined) await client.read('auth/token/lookup-self')
  const seen = client.tokenData()
  const seenAccessor = valueAt(seen, 'accessor')
  if (isHiddenByAgent(seen)) return
  if (accessor !== undefined && seenAccessor !== undefined && seenAccessor !== accessor) return
  await revokeOwnToken(client)
}

/** Whether a looked-up token is that of an agent, which leaves out its ID. */
export function isHiddenByAgent(token: unknown): boolean {
  return token !== undefined && valueAt(token, 'id') === undefined
}

async function checkToken(client: VaultClient, token: string): Promise<IssuedToken> {
  const response = await client.read('auth/token/lookup-self')
  const data = response.ok ? valueAt(response.body, 'data') : undefined
  if (data !== undefined) return { token, ttl: seconds(valueAt(data, 'ttl')) }
  if (response.ok || response.status === 404) throw notVaultError()
  if (response.status !== 403) throw vaultError(response, 'look up its own token')
  throw new DsctlError('unauthenticated', 'Vault does not accept this token: it is invalid or has expired.', {
    hint: 'Use another token, or run vault login.',
  })
}

const WRAPPING_TOKEN = /^(hv)?s\.\S+$/

/** Opens a wrapping token. The answer of Vault that it holds, or undefined if the token wraps nothing. */
async function unwrap(
  connect: Connect,
  token: string,
  check: (creationPath: string) => void,
): Promise<VaultResponse | undefined> {
  const lookup = await (await connect('')).write('sys/wrapping/lookup', { token })
  if (!lookup.ok) {
    if (lookup.status >= 429) throw vaultError(lookup, 'look up the wrapped value')
    return undefined
  }
  check(String(valueAt(lookup.body, 'data', 'creation_path')))
  const response = await (await connect(token)).write('sys/wrapping/unwrap', {})
  if (!response.ok) throw unwrapError(response)
  return response
}

/**
 * Resolves a response-wrapped secret-id, which is a token that returns the real secret-id once. The creation path is
 * checked first: an attacker who replaced the token could otherwise make us log in with their own AppRole.
 */
async function unwrapSecretId(connect: Connect, { mount, secret }: LoginRequest): Promise<Secret<string>> {
  const token = secret.reveal()
  if (!WRAPPING_TOKEN.test(token)) return secret
  const response = await unwrap(connect, token, path => {
    if (path.startsWith(`auth/${mount}/role/`) && path.endsWith('/secret-id')) return
    throw new DsctlError('unauthenticated', 'The wrapped secret-id does not come from this AppRole mount.', {
      hint: 'Someone may have replaced it. Do not use it.',
    })
  })
  if (!response) throw wrappedValueGone()
  const secretId = valueAt(response.body, 'data', 'secret_id')
  if (typeof secretId === 'string') return new Secret(secretId)
  throw new DsctlError('unauthenticated', 'The wrapped value is not a secret-id.')
}

/** The token that a wrapping token holds; undefined for any other token. A look-up would use up a wrapping token. */
async function unwrapToken(connect: Connect, token: string): Promise<IssuedToken | undefined> {
  if (!WRAPPING_TOKEN.test(token)) return undefined
  const response = await unwrap(connect, token, path => {
    if (path.startsWith('auth/') && !path.endsWith('/secret-id')) return
    throw invalid('The wrapped value is not a token. It was not opened.', [], 'Open it with vault unwrap.')
  })
  return response && issuedToken(response)
}

function unwrapError(response: ErrorResponse): DsctlError {
  if (response.status >= 429) return vaultError(response, 'open the wrapped value')
  return wrappedValueGone()
}

function wrappedValueGone(): DsctlError {
  return new DsctlError('unauthenticated', 'The wrapped secret-id has already been used, or has expired.', {
    hint: 'Request a new one. If you did not use this one, someone else may have.',
  })
}

function loginError(response: ErrorResponse, { method, mount }: LoginRequest): DsctlError {
  if (response.status >= 429) return vaultError(response, 'log in')
  if (response.status === 404 || response.errors.some(text => /no handler|unsupported path/i.test(text))) {
    const hint = 'If it is mounted elsewhere, pass --auth-mount MOUNT.'
    return invalid(`Vault has no ${method} auth method at auth/${mount}.`, [], hint)
  }
  return new DsctlError('unauthenticated', `Vault refused the ${method} login at auth/${mount}.`, {
    hint: 'Check the name and the secret. If the method is mounted elsewhere, pass --auth-mount MOUNT.',
  })
}

function seconds(ttl: unknown): number | undefined {
  return typeof ttl === 'number' && ttl > 0 ? ttl : undefined
}
