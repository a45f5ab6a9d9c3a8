import { randomBytes } from 'node:crypto'

export interface Version {
  readonly created: string
  deleted: string
  destroyed: boolean
  data: unknown
}

export interface Key {
  readonly created: string
  updated: string
  current: number
  maxVersions: number
  customMetadata: Record<string, unknown> | null
  readonly versions: Map<number, Version>
}

export interface Mount {
  deleteAfter: string
  /** With a trailing slash. */
  readonly path: string
  readonly version: 1 | 2
  readonly accessor: string
  maxVersions: number
  readonly keys: Map<string, Key>
}

export interface Token {
  readonly id: string
  readonly type: 'service' | 'batch'
  readonly accessor: string
  readonly parent: string
  readonly path: string
  readonly displayName: string
  readonly policies: readonly string[]
  readonly meta: Record<string, unknown> | null
  readonly entityId: string
  readonly created: number
  /** In seconds; 0 means that it does not expire. */
  readonly ttl: number
}

export interface Entity {
  readonly id: string
  readonly name: string
  metadata: Record<string, unknown> | null
  readonly created: string
  readonly aliases: {
    readonly id: string
    readonly name: string
    readonly accessor: string
    readonly created: string
  }[]
}

export interface UserpassUser {
  readonly password: string
  readonly policies: readonly string[]
  readonly ttl: number
}

/** The server's data. */
export interface State {
  readonly mounts: Map<string, Mount>
  readonly tokens: Map<string, Token>
  readonly policies: Map<string, string>
  readonly entities: Map<string, Entity>
  readonly users: Map<string, UserpassUser>
  /** Undefined until userpass is enabled. */
  userpassAccessor: string | undefined
}

export const TOKEN_ACCESSOR = 'auth_token_00000000'

const DEFAULT_POLICY = `
  path "auth/token/lookup-self" { capabilities = ["read"] }
  path "auth/token/revoke-self" { capabilities = ["update"] }
  path "sys/capabilities-self" { capabilities = ["update"] }
  path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["read"] }
  path "identity/entity/name/{{identity.entity.name}}" { capabilities = ["read"] }`

export function emptyState(): State {
  const state: State = {
    mounts: new Map(),
    tokens: new Map(),
    policies: new Map([['default', DEFAULT_POLICY]]),
    entities: new Map(),
    users: new Map(),
    userpassAccessor: undefined,
  }
  state.mounts.set('secret/', newMount('secret/', 2))
  return state
}

export function newMount(path: string, version: 1 | 2): Mount {
  return {
    path,
    version,
    accessor: `kv_${randomBytes(4).toString('hex')}`,
    maxVersions: 0,
    deleteAfter: '0s',
    keys: new Map(),
  }
}

/** The KV mount that contains a path. */
export function mountOf(state: State, path: string): Mount | undefined {
  return [...state.mounts.values()].find(mount => path.startsWith(mount.path))
}

export function newToken(state: State, token: Partial<Token> & Pick<Token, 'policies' | 'ttl'>): Token {
  const made: Token = {
    id: `${token.type === 'batch' ? 'b' : 's'}.${randomBytes(12).toString('hex')}`,
    type: 'service',
    accessor: randomBytes(12).toString('hex'),
    parent: '',
    path: 'auth/token/create',
    displayName: 'token',
    meta: null,
    entityId: '',
    created: Date.now(),
    ...token,
  }
  state.tokens.set(made.id, made)
  return made
}

/** Finds a token, if it is still valid. */
export function findToken(state: State, id: string): Token | undefined {
  const token = state.tokens.get(id)
  return token && (token.ttl === 0 || Date.now() < token.created + token.ttl * 1000) ? token : undefined
}

export function secondsLeft(token: Token): number {
  return token.ttl === 0 ? 0 : Math.floor((token.created + token.ttl * 1000 - Date.now()) / 1000)
}
