import type { ConnectionCode } from '../ports/connection-test.ts'

/** Why a stage failed, in words that a person can act on and that hold no secret. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'
  readonly code: ConnectionCode
  /** A jump host's key that nothing says anything about. */
  readonly unknownHostKey: string | undefined

  constructor(code: ConnectionCode, message: string, unknownHostKey?: string) {
    super(message)
    this.code = code
    this.unknownHostKey = unknownHostKey
  }
}

/** The code of a driver's or Node's error, which may be wrapped in others; its message is never used. */
export function errorCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    const { code, cause, errors } = at as { code?: unknown; cause?: unknown; errors?: unknown }
    if (typeof code === 'string' && code !== 'ESOCKET') return code
    at = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return ''
}

/** A code in a message: only if it looks like one. */
export function codeSuffix(code: string | number | undefined): string {
  const text = String(code ?? '')
  return /^[A-Za-z0-9_-]{1,40}$/.test(text) ? ` (${text})` : ''
}
