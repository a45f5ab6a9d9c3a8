import { inspect } from 'node:util'

/** Printed in place of a secret. */
export const REDACTED = '[REDACTED]'

/** A sealed value. It prints as `[REDACTED]` in every way of printing. */
export class Secret<T = unknown> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The value itself. Called only by source-types (to validate it), the secret stores and the connectors. */
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

/** A mask or a placeholder that the user wants to store as it is: `--allow-placeholder`. It is not validated. */
export class AllowedPlaceholder<T = unknown> extends Secret<T> {}

/**
 * The credentials of a data source, as stored in Vault: `type`, then the fields under their own names. Every value is
 * sealed, because only the source type knows which fields are secret.
 */
export type Credentials = Readonly<Record<string, Secret>>

/** Returns only the values that are sealed, leaving out secrets that have not been fetched yet. */
export function pickSecrets(values: Readonly<Record<string, unknown>>): Credentials {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Secret] => entry[1] instanceof Secret),
  )
}

/**
 * A secret that has not been fetched yet. `text` says where from: `-`, `@FILE`, `env:NAME`, `vault:MOUNT/PATH#FIELD`.
 */
export class SecretSource {
  readonly text: string
  /** Whether it was given on the command line or in a request file. A file may use fewer sources. */
  readonly origin: 'flag' | 'file'

  constructor(text: string, origin: 'flag' | 'file') {
    this.text = text
    this.origin = origin
  }
}

const MASKS = new Set([REDACTED.toLowerCase(), '****', '********', '<redacted>'])

/** Whether a text is a mask that means *unchanged* in an update, for example `[REDACTED]`, which dsctl prints. */
export function isMask(text: string): boolean {
  return MASKS.has(text.trim().toLowerCase())
}
