import type { Duplex } from 'node:stream'
import type { Credentials } from '../domain/secret.ts'
import type { Stage } from '../ports/connection-test.ts'

/** A host and a port to connect to. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** One test under way. */
export interface TestRun {
  readonly credentials: Credentials
  /** Aborted when the time is up or somebody interrupts. */
  readonly signal: AbortSignal
  /** How long there is left, in milliseconds. */
  left(): number
  /** Says which stage is now at work: what fails, fails there. */
  enter(stage: Stage): void
  /** What is told where the time is up: what the test is waiting for. */
  awaiting(what: string): void
  /** A connection to the server: straight, or through the jump host. May be called again for another. */
  open(address: Address): Promise<Duplex>
  /** Registers what is to be closed at the end, whatever the end is. */
  closing(close: () => unknown): void
}

/** Connects to one kind of server and answers how it names itself. Throws ConnectionFailure. */
export type Driver = (job: TestRun) => Promise<string | null>

/** A field's text; empty where it is not set. */
export function text(credentials: Credentials, name: string): string {
  const value = credentials[name]?.reveal()
  return value === undefined || value === null ? '' : String(value)
}

/** A field's text, undefined where it is not set. */
export function optionalText(credentials: Credentials, name: string): string | undefined {
  return text(credentials, name) || undefined
}

/** Where the server is. */
export function serverAddress(credentials: Credentials): Address {
  return { host: text(credentials, 'host'), port: Number(text(credentials, 'port')) }
}

/** For messages. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
