import type { Secret } from '../domain/secret.ts'

/** How to log in to Vault: what the login is named by, if anything, and by which secret it is proved. */
export const LOGIN_METHODS = {
  token: { named: undefined, secret: 'token' },
  userpass: { named: 'username', secret: 'password' },
  ldap: { named: 'username', secret: 'password' },
  approle: { named: 'role_id', secret: 'secret_id' },
  jwt: { named: 'role', secret: 'jwt' },
  kubernetes: { named: 'role', secret: 'jwt' },
} as const

export type LoginMethod = keyof typeof LOGIN_METHODS

export interface LoginRequest {
  readonly method: LoginMethod
  /** Where the method is mounted under auth/; mostly that is its own name. */
  readonly mount: string
  /** Empty where the method names nothing. */
  readonly name: string
  readonly secret: Secret<string>
}

export interface Logins {
  /** Gets a token and keeps it where `vault login` does. Throws `unauthenticated` where Vault refuses. */
  logIn(request: LoginRequest): Promise<{ readonly ttl: number | undefined; readonly file: string }>
  /** Whether the kept token is a root token, of which there may be no other. */
  savedTokenIsRoot(): Promise<boolean>
  /** Revokes the kept token and removes it. `refused`: Vault would not revoke it, mostly because it has expired. */
  logOut(): Promise<'revoked' | 'refused' | 'none'>
}
