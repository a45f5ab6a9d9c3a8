import type { Credentials } from '../domain/secret.ts'
import type { SourceType } from '../source-types/source-type.ts'

/** The stages of a connection test, in order. A test stops at the first failure. Some types skip stages. */
export const STAGES = ['resolve', 'reach', 'tunnel', 'tls', 'authenticate', 'database', 'query'] as const
export type Stage = (typeof STAGES)[number]

/** Result codes, for scripts. */
export const CONNECTION_CODES = [
  ...(['ok', 'dns_failed', 'unreachable', 'timeout', 'tunnel_failed', 'tls_failed', 'auth_failed'] as const),
  ...(['database_not_found', 'permission_denied', 'driver_missing', 'failed'] as const),
] as const
export type ConnectionCode = (typeof CONNECTION_CODES)[number]

/** The result of a connection test. */
export interface ConnectionResult {
  readonly ok: boolean
  /** The stage that failed, or the last stage. */
  readonly stage: Stage
  readonly code: ConnectionCode
  /** Written by dsctl, because a message of a server or driver may contain a secret. */
  readonly message: string
  readonly latencyMs: number
  /** As reported by the server; null if the test did not get that far. */
  readonly serverVersion: string | null
  /** Fingerprint of the jump host's key if ssh_host_key is not set; to accept it, set ssh_host_key to this value. */
  readonly unknownHostKey: string | null
}

export interface ConnectionTester {
  /**
   * Connects with these credentials, and closes every connection. The timeout covers the entire test. `credentials`
   * must be complete, under the field names of the type. Bad credentials or an unreachable server are results, not
   * errors.
   */
  test(type: SourceType, credentials: Credentials): Promise<ConnectionResult>
}
