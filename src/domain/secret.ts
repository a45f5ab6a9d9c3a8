import { inspect } from 'node:util'

/** What stands wherever a secret would. */
export const REDACTED = '[REDACTED]'

/** A sealed value: however it is printed, it prints as `[REDACTED]`. */
export class Secret<T = unknown> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The value itself. Only source-types (to judge its form), the secret stores and the connectors call this. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}

/**
 * The credentials of a data source: one secret's JSON object, `type` and then the fields under their own names.
 * Every value is sealed, secret or not, since only a source type knows which are.
 */
export type Credentials = Readonly<Record<string, Secret>>

/** Those of some values that are sealed: not what is still to be fetched. */
export function pickSecrets(values: Readonly<Record<string, unknown>>): Credentials {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Secret] => entry[1] instanceof Secret),
  )
}

/** Where a secret is to be fetched from: `-`, `@FILE`, `env:NAME` or `vault:MOUNT/PATH#FIELD`. Not yet resolved. */
export class SecretSource {
  readonly text: string
  /** Who named it: the operator on the command line, or a request file, which may only reach so far. */
  readonly origin: 'flag' | 'file'

  constructor(text: string, origin: 'flag' | 'file') {
    this.text = text
    this.origin = origin
  }
}

const MASKS = new Set([REDACTED.toLowerCase(), '****', '********', '<redacted>'])

/** Whether a text is what some program prints in place of a secret, and so never a secret itself. */
export function isMask(text: string): boolean {
  return MASKS.has(text.trim().toLowerCase())
}
