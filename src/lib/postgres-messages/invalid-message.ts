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
