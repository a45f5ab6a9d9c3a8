/** A message that the Postgres protocol does not allow, or that is longer than dsctl expects. */
export class InvalidPostgresMessage extends Error {
  readonly code = 'ERR_POSTGRES_MESSAGE'
  /** The problem, as the end of a message that begins with "The server sent". */
  readonly what: string

  constructor(what: string) {
    super(`The server sent ${what}.`)
    this.what = what
  }
}

/** The server asks for a login that pg does not support. */
export class UnsupportedLogin extends InvalidPostgresMessage {
  readonly method: 'gss' | 'sspi' | 'other'

  constructor(method: 'gss' | 'sspi' | 'other') {
    super('an unknown authentication method')
    this.method = method
  }
}
