import nodeVault from 'node-vault'
import { valueAt } from '../lib/value-at.ts'
import type { Backend } from '../ports/backend.ts'
import { type ErrorResponse, toErrorResponse } from './errors.ts'
import { SOCKET_ORIGIN } from './server-address.ts'
import { createTransport, type TransportOptions } from './transport.ts'

export interface VaultSettings extends TransportOptions {
  /** Not used with `socketPath`. */
  readonly addr: string
  /** Empty for requests that need no token, such as a login. */
  readonly token: string
  readonly namespace: string | undefined
}

/** Requests to Vault, by API path. Error statuses are returned; throws UnavailableError if there was no response. */
export interface VaultClient {
  read(path: string): Promise<VaultResponse>
  write(path: string, body: object): Promise<VaultResponse>
  remove(path: string): Promise<VaultResponse>
  /**
   * Whether the responses came from an agent that caches tokens and leases, so that other programs get the same ones.
   */
  isCached(): boolean
  /** The data of the token that Vault saw, if it has been looked up. An agent may have replaced the client's token. */
  tokenData(): unknown
  close(): void
}

/** The body is not validated: read it with `valueAt`. */
export type VaultResponse = { readonly ok: true; readonly body: unknown } | ({ readonly ok: false } & ErrorResponse)

/** node-vault with our own transport. Its errors and its debug output are dropped, because they hold secrets. */
export function vaultClient(settings: VaultSettings, backend: Backend): VaultClient {
  const { requestPromise, isCached, close } = createTransport(backend, settings)
  const client = nodeVault({
    endpoint: settings.socketPath === undefined ? settings.addr : SOCKET_ORIGIN,
    token: settings.token,
    ...(settings.namespace !== undefined && { namespace: settings.namespace }),
    debug: () => {},
    // Only read, write and delete are used: no commands, so no validation (tv4) and no path templates (mustache).
    commands: {},
    tv4: NO_VALIDATION,
    mustache: NO_VALIDATION,
    'request-promise': requestPromise,
  })
  client.token = settings.token // replaces VAULT_TOKEN, which node-vault uses if the token is empty
  let tokenData: unknown
  const read = async (path: string) => {
    const response = await toResponse(client.read(path))
    if (path === 'auth/token/lookup-self' && response.ok) tokenData = valueAt(response.body, 'data')
    return response
  }
  return {
    read,
    write: (path, body) => toResponse(client.write(path, body)),
    remove: path => toResponse(client.delete(path)),
    isCached,
    tokenData: () => tokenData,
    close,
  }
}

const NO_VALIDATION = Object.assign(() => undefined, { validate: () => true })

async function toResponse(body: Promise<unknown>): Promise<VaultResponse> {
  try {
    return { ok: true, body: await body }
  } catch (error) {
    return { ok: false, ...toErrorResponse(error) }
  }
}
