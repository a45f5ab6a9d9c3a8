import type { Duplex } from 'node:stream'
import type { Credentials } from '../domain/secret.ts'
import type { Stage } from '../ports/connection-test.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** One running connection test. */
export interface TestRun {
  readonly credentials: Credentials
  /** Aborted when the test times out or the user interrupts it. */
  readonly signal: AbortSignal
  /** Milliseconds until the test times out, at least 1. */
  remainingMs(): number
  /** Sets the current stage. An error that follows is reported for this stage. */
  enterStage(stage: Stage): void
  /** Sets the reason to report if the test times out, for example `the server did not answer`. */
  setTimeoutReason(reason: string): void
  /** Opens a new connection to an address, through the jump host if the data source has one. */
  open(address: Address): Promise<Duplex>
  /** Registers a function to call when the test ends, whether it succeeds or fails. */
  onEnd(close: () => unknown): void
}

/** Connects to one kind of server. Returns the server's version, or null if unknown. Throws ConnectionFailure. */
export type Driver = (run: TestRun) => Promise<string | null>

/** A field as text; empty if the field is not set. */
export function text(credentials: Credentials, name: string): string {
  const value = credentials[name]?.reveal()
  return value === undefined || value === null ? '' : String(value)
}

/** A field as text; undefined if the field is not set. */
export function optionalText(credentials: Credentials, name: string): string | undefined {
  return text(credentials, name) || undefined
}

/** The address in the fields `host` and `port`. */
export function serverAddress(credentials: Credentials): Address {
  return { host: text(credentials, 'host'), port: Number(text(credentials, 'port')) }
}

/** An address for messages, for example `db.example.com:5432` or `[::1]:5432`. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
