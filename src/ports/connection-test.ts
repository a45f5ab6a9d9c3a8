import type { Credentials } from '../domain/secret.ts'
import type { SourceType } from '../source-types/source-type.ts'

/** What a test goes through, in order; it stops at the first that fails. Some types have no use for each of them. */
export const STAGES = ['resolve', 'reach', 'tunnel', 'tls', 'authenticate', 'database', 'query'] as const
export type Stage = (typeof STAGES)[number]

/** What a test came to, for a script. */
export const CONNECTION_CODES = [
  ...(['ok', 'dns_failed', 'unreachable', 'timeout', 'tunnel_failed', 'tls_failed', 'auth_failed'] as const),
  ...(['database_not_found', 'permission_denied', 'driver_missing', 'failed'] as const),
] as const
export type ConnectionCode = (typeof CONNECTION_CODES)[number]

/** What a test came to. `message` is in dsctl's own words: a server's or a driver's may hold a secret. */
export interface ConnectionResult {
  readonly ok: boolean
  /** The stage that failed, or the last. */
  readonly stage: Stage
  readonly code: ConnectionCode
  readonly message: string
  readonly latencyMs: number
  /** As the server names itself; null where it did not get that far. */
  readonly serverVersion: string | null
  /** The jump host's key where nothing says which it must be: whoever accepts it gives it as ssh_host_key. */
  readonly unknownHostKey: string | null
}

export interface ConnectionTester {
  /**
   * Connects as the application would, within the time-out as a whole. `credentials` are complete and under their own
   * names. Never throws for what is wrong with them or with the server, and leaves nothing open.
   */
  test(type: SourceType, credentials: Credentials): Promise<ConnectionResult>
}
