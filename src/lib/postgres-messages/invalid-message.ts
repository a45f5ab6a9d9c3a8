/** A message that the Postgres protocol does not allow, or one that is longer than any that dsctl expects. */
export class InvalidPostgresMessage extends Error {
  readonly code = 'ERR_POSTGRES_MESSAGE'
  /** What is wrong, to follow "The server sent". */
  readonly what: string

  constructor(what: string) {
    super(`The server sent ${what}.`)
    this.what = what
  }
}
