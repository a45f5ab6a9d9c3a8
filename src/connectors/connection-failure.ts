import type { ConnectionCode } from '../ports/connection-test.ts'

/** Why a stage failed. The message is in dsctl's own words and holds no secret. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'
  readonly code: ConnectionCode
  /** The jump host's key fingerprint, if `ssh_host_key` is not set. */
  readonly unknownHostKey: string | undefined

  constructor(code: ConnectionCode, message: string, unknownHostKey?: string) {
    super(message)
    this.code = code
    this.unknownHostKey = unknownHostKey
  }
}

/**
 * The code of an error, or of the error that it wraps; empty if there is none. Ignores messages: they may hold secrets.
 */
export function errorCode(error: unknown): string {
  for (let current: unknown = error, depth = 0; typeof current === 'object' && current !== null && depth < 5; depth++) {
    const { code, cause, errors } = current as { code?: unknown; cause?: unknown; errors?: unknown }
    if (typeof code === 'string' && code !== 'ESOCKET') return code // ESOCKET is tedious's own code: it wraps another
    current = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return ''
}

/** A code to append to a message, for example ` (ECONNRESET)`. Empty for a string that does not look like a code. */
export function codeSuffix(code: string | number | undefined): string {
  const text = String(code ?? '')
  return /^[A-Za-z0-9_-]{1,40}$/.test(text) ? ` (${text})` : ''
}
