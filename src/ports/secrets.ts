import type { Credentials } from '../domain/secret.ts'

/** Where a data source's secret is. */
export interface SecretLocation {
  readonly organizationId: string
  readonly secretId: string
}

/** The value of a field of a secret. If it does not exist, the problem to report for the field that refers to it. */
export type SecretField = { readonly value: string } | { readonly problem: string }

/** The current version of a secret. */
export interface SecretVersion {
  /** 0 if there is no secret. */
  readonly version: number
  /** Null if the version is soft-deleted, or there is no secret. */
  readonly data: Credentials | null
  /** When the store will delete this version by itself: ISO 8601. */
  readonly deletedAt?: string
}

/**
 * The secret store: versioned, with check-and-set, like Vault's KV version 2. Each method throws UnavailableError if
 * there was no response, or a 429 or 5xx; its `delivered` says whether the call may have taken effect. Each throws
 * DsctlError (`unauthenticated`, `forbidden`) if the store refused the call.
 */
export interface Secrets {
  read(at: SecretLocation): Promise<SecretVersion>
  /** The data of one version: null if soft-deleted, 'gone' if pruned, destroyed or never written. */
  readVersion(at: SecretLocation, version: number): Promise<Credentials | null | 'gone'>
  /** Writes version `cas` + 1. 'conflict' if the current version is not `cas`; 0 means that there must be no secret. */
  write(at: SecretLocation, data: Credentials, cas: number): Promise<'ok' | 'conflict'>
  /** Soft-deletes this version and no other. */
  softDelete(at: SecretLocation, version: number): Promise<void>
  /** Removes the secret with all its versions. Succeeds if there is none. */
  remove(at: SecretLocation): Promise<void>
  /** Whether the path of a secret contains its organization, so that a token's permissions may depend on it. */
  readonly organizationInPath: boolean
  /**
   * Whether the token may remove secrets (of `organizationId`, if given). Asks Vault about a placeholder id. Throws
   * `invalid` if the mount does not exist or is not KV version 2.
   */
  canRemove(organizationId?: string): Promise<boolean>
  /** One field of any secret that the token can read, for `vault:MOUNT/PATH#FIELD`. */
  readField(path: string, field: string): Promise<SecretField>
  /** The path of a secret as MOUNT/PATH, as used in `vault:MOUNT/PATH#FIELD`. */
  pathOf(at: SecretLocation): string
}
