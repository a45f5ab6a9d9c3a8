import nodeVault from 'node-vault'
import type { Backend } from '../ports/backend.ts'
import { type ErrorResponse, toErrorResponse } from './errors.ts'
import { createTransport } from './transport.ts'

export interface VaultSettings {
  readonly addr: string
  /** Empty for what needs none, such as a login. */
  readonly token: string
  readonly namespace: string | undefined
  /** PEM, not a path. */
  readonly caCert: string | undefined
}

/** One exchange with Vault: a body, or a refusal to make sense of. Throws UnavailableError where no answer came. */
export interface VaultClient {
  read(path: string): Promise<VaultResponse>
  write(path: string, body: object): Promise<VaultResponse>
  remove(path: string): Promise<VaultResponse>
  close(): void
}

/** Vault's answers are objects of its own making; whoever reads a property checks it. */
export type VaultResponse = { readonly ok: true; readonly body: unknown } | ({ readonly ok: false } & ErrorResponse)

/** node-vault with a transport of our own, and without its errors and its debugging output, which hold secrets. */
export function vaultClient(settings: VaultSettings, backend: Backend): VaultClient {
  const { requestPromise, close } = createTransport(backend, settings.caCert)
  const client = nodeVault({
    endpoint: settings.addr,
    token: settings.token,
    ...(settings.namespace !== undefined && { namespace: settings.namespace }),
    debug: () => {},
    // Neither its commands nor what checks and fills them in: three verbs are all that is used.
    commands: {},
    tv4: ALL_VALID,
    mustache: ALL_VALID,
    'request-promise': requestPromise,
  })
  client.token = settings.token // where that is empty, node-vault has taken VAULT_TOKEN
  return {
    read: path => exchange(client.read(path)),
    write: (path, body) => exchange(client.write(path, body)),
    remove: path => exchange(client.delete(path)),
    close,
  }
}

const ALL_VALID = Object.assign(() => undefined, { validate: () => true })

async function exchange(answer: Promise<unknown>): Promise<VaultResponse> {
  try {
    return { ok: true, body: await answer }
  } catch (error) {
    return { ok: false, ...toErrorResponse(error) }
  }
}
