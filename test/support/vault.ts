import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type VaultAnswer, vaultRequest } from './vault-request.ts'

export interface ScratchVault {
  readonly addr: string
  readonly rootToken: string
  /** A KV version 2 mount that no other suite uses. */
  readonly mount: string
  /** Sends a request (path without `/v1/`) with a token: the default is root, '' sends none. */
  request(method: string, path: string, options?: { body?: unknown; token?: string }): Promise<VaultAnswer>
  /** The current data and version of a secret in the mount; undefined if it does not exist or is soft-deleted. */
  readSecret(path: string): Promise<{ version: number; data: Record<string, unknown> } | undefined>
  writeSecret(path: string, data: Record<string, unknown>): Promise<void>
  /** The keys of a folder in the mount. */
  listSecrets(folder: string): Promise<string[]>
  /** Writes a policy. Returns its name, which is unique to this suite. */
  createPolicy(name: string, hcl: string): Promise<string>
  /** A token without an identity. */
  createToken(options: TokenOptions): Promise<string>
  /** The token of a logged-in user. Its entity's metadata is `metadata`, or `email` if that is not given. */
  userToken(user: { email: string; metadata?: Record<string, string> } & TokenOptions): Promise<string>
  /** Another KV version 2 mount, ready for use. */
  addMount(path: string): Promise<void>
  drop(): Promise<void>
}

export interface TokenOptions {
  readonly policies?: readonly string[]
  /** For example `1h`. */
  readonly ttl?: string
}

/** A handle on a server, with a new KV version 2 mount. */
export async function vaultOn(server: { addr: string; rootToken: string }, mount: string): Promise<ScratchVault> {
  const { addr, rootToken } = server
  const request: ScratchVault['request'] = (method, path, { body, token = rootToken } = {}) =>
    vaultRequest(addr, token, { method, path, body })
  const asked = async (method: string, path: string, body?: unknown) => {
    const answer = await request(method, path, { body })
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }
  const addMount = async (path: string) => {
    await asked('POST', `sys/mounts/${path}`, { type: 'kv', options: { version: '2' } })
    // Retries: a new mount is unavailable until Vault has upgraded it to version 2.
    for (let tries = 0; tries < 100; tries++) {
      if ((await request('GET', `${path}/config`)).status === 200) return
      await pause(50)
    }
    throw new Error(`The mount ${path} was not ready within 5 seconds.`)
  }
  await addMount(mount)
  return {
    addMount,
    addr,
    rootToken,
    mount,
    request,
    ...secrets(mount, request, asked),
    async createPolicy(name, hcl) {
      const unique = `${name}-${randomUUID().slice(0, 8)}`
      await asked('PUT', `sys/policies/acl/${unique}`, { policy: hcl })
      return unique
    },
    async createToken({ policies = ['default'], ttl = '1h' }) {
      return (await asked('POST', 'auth/token/create', { policies, ttl })).auth.client_token
    },
    userToken: user => logIn(asked, user),
    drop: async () => void (await asked('DELETE', `sys/mounts/${mount}`)),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: callers rely on the response format of Vault's API
type Asked = (method: string, path: string, body?: unknown) => Promise<any>

function secrets(mount: string, request: ScratchVault['request'], asked: Asked) {
  return {
    async readSecret(path: string) {
      const { status, body } = await request('GET', `${mount}/data/${path}`)
      return status === 200 ? { version: body.data.metadata.version, data: body.data.data } : undefined
    },
    async writeSecret(path: string, data: Record<string, unknown>) {
      await asked('POST', `${mount}/data/${path}`, { data })
    },
    async listSecrets(folder: string) {
      const { status, body } = await request('GET', `${mount}/metadata/${folder}?list=true`)
      return status === 200 ? body.data.keys : []
    },
  }
}

/** On a real server only a login creates a token with an identity, so a user is created and logged in. */
async function logIn(asked: Asked, user: Parameters<ScratchVault['userToken']>[0]): Promise<string> {
  const { email, metadata = { email }, policies = [], ttl = '1h' } = user
  const name = `user-${randomUUID().slice(0, 8)}`
  const accessor = await userpassAccessor(asked)
  await asked('POST', `auth/userpass/users/${name}`, { password: name, token_policies: policies, token_ttl: ttl })
  const entity = await asked('POST', 'identity/entity', { name, metadata })
  const alias = { name, canonical_id: entity.data.id, mount_accessor: accessor }
  await asked('POST', 'identity/entity-alias', alias)
  return (await asked('POST', `auth/userpass/login/${name}`, { password: name })).auth.client_token
}

async function userpassAccessor(asked: Asked): Promise<string> {
  const mounted = async () => (await asked('GET', 'sys/auth')).data['userpass/']?.accessor
  // Fails if another suite enables it at the same time, which is fine.
  if (!(await mounted())) await asked('POST', 'sys/auth/userpass', { type: 'userpass' }).catch(() => {})
  return mounted()
}
