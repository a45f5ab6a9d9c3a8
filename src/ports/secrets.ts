import type { Credentials } from '../domain/secret.ts'

/** Where a data source's secret is. */
export interface SecretLocation {
  readonly organizationId: string
  readonly secretId: string
}

/** A secret's current version; `data` is null where that is soft-deleted. No secret at all is version 0. */
export interface SecretVersion {
  readonly version: number
  readonly data: Credentials | null
}

/**
 * The secret store: versioned, with check-and-set, as Vault's KV version 2. Every method throws UnavailableError where
 * there was no answer (or 429 or 5xx: `delivered` says whether it may have taken effect), and DsctlError
 * (unauthenticated, forbidden) where it was refused.
 */
export interface Secrets {
  read(at: SecretLocation): Promise<SecretVersion>
  /** One version's data: null where it is soft-deleted, 'gone' where it is pruned, destroyed or was never there. */
  readVersion(at: SecretLocation, version: number): Promise<Credentials | null | 'gone'>
  /** Writes the version after `cas`; 'conflict' where the current one is not `cas` (0: there must be none). */
  write(at: SecretLocation, data: Credentials, cas: number): Promise<'ok' | 'conflict'>
  /** Soft-deletes exactly that version. */
  softDelete(at: SecretLocation, version: number): Promise<void>
  /** Removes the secret with all its versions; fine where there is none. */
  remove(at: SecretLocation): Promise<void>
  /** Whether a secret's path, and so what a token may do with it, depends on its organization. */
  readonly organizationInPath: boolean
  /**
   * Whether this token may remove secrets (of an organization), asked of Vault for a placeholder id. Throws `invalid`
   * for a wrong mount.
   */
  canRemove(organizationId?: string): Promise<boolean>
  /** One field of any secret the token can read, for `vault:MOUNT/PATH#FIELD`. Throws `invalid` where there is none. */
  readField(path: string, field: string): Promise<string>
  /** Where a secret is, as `vault:MOUNT/PATH#FIELD` names it: MOUNT/PATH. */
  pathOf(at: SecretLocation): string
}
