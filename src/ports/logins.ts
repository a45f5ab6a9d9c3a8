import type { Secret } from '../domain/secret.ts'

/** The auth methods of Vault, with the request fields that hold the name and the secret. */
export const LOGIN_METHODS = {
  token: { nameField: undefined, secretField: 'token' },
  userpass: { nameField: 'username', secretField: 'password' },
  ldap: { nameField: 'username', secretField: 'password' },
  approle: { nameField: 'role_id', secretField: 'secret_id' },
  jwt: { nameField: 'role', secretField: 'jwt' },
  kubernetes: { nameField: 'role', secretField: 'jwt' },
} as const

export type LoginMethod = keyof typeof LOGIN_METHODS

export interface LoginRequest {
  readonly method: LoginMethod
  /** Mount path of the auth method under auth/. The default is the name of the method. */
  readonly mount: string
  /** Empty if the method has no name field. */
  readonly name: string
  readonly secret: Secret<string>
}

export interface Logins {
  /**
   * Gets a token and saves it where `vault login` does. Returns its lifetime in seconds, undefined if it does not
   * expire, and where the token is, to follow "is saved". Throws `unauthenticated` if Vault refuses.
   */
  logIn(request: LoginRequest): Promise<{ readonly ttl: number | undefined; readonly place: string }>
  /** Whether the saved token is a root token. */
  savedTokenIsRoot(): Promise<boolean>
  /** Revokes the saved token and deletes the file. */
  logOut(): Promise<LogoutResult>
}

export type LogoutResult =
  | { readonly outcome: 'revoked' }
  /** No token is saved. */
  | { readonly outcome: 'none' }
  /** An agent uses the token, so it was removed, but not revoked. */
  | { readonly outcome: 'agent' }
  /** Vault did not revoke the token, and does not accept it either: usually it has expired. */
  | { readonly outcome: 'rejected' }
  /** Vault did not revoke the token, which stays valid for `ttl` seconds; undefined if it does not expire. */
  | { readonly outcome: 'still valid'; readonly ttl: number | undefined; readonly isBatch: boolean }
