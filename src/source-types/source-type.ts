/** The kind of value that a field has. `check-value.ts` validates each kind. */
export type FieldKind =
  | 'text'
  | 'host'
  | 'integer'
  | 'boolean'
  | 'choice'
  | 'password'
  | 'token'
  | 'private-key'
  | 'certificates'
  | 'service-account-key'
  | 'host-key-fingerprint'

/** Kinds whose values have several lines. They are read from a file or pasted at a prompt. */
export const MULTILINE_KINDS: readonly FieldKind[] = ['private-key', 'certificates', 'service-account-key']

/** The form of a text field. Regular expressions are in Unicode mode and match the whole value. */
export interface TextForm {
  /** The end of "must be", for example `an account identifier`. */
  readonly description: string
  /** If undefined, every value is accepted except the other notations. */
  readonly pattern?: string
  /** Other notations, each with the value that was probably meant, in which $1 stands for the first group. */
  readonly notations: readonly { readonly pattern: string; readonly meant: string }[]
}

/** A field of a source type. Flags, prompts, validation, redaction and documentation are derived from it. */
export interface Field {
  /** For prompts and output, for example `Host`. */
  readonly label: string
  readonly kind: FieldKind
  /** Not optional, so that every field declares whether its value may be shown. */
  readonly secret: boolean
  readonly required: boolean
  /** Stored if the field is omitted. For a field of a group: only if another field of the group is set. */
  readonly default?: string | number | boolean
  /** One sentence, for `--help` and `dsctl types`. */
  readonly description?: string
  /** The allowed values of a `choice`. */
  readonly choices?: readonly string[]
  /** The smallest value of an `integer`. */
  readonly min?: number
  /** The largest value of an `integer`. */
  readonly max?: number
  /** Other names that a request may use. */
  readonly aliases?: readonly string[]
  /** Other names that a request may use, with a list of one item as the value. */
  readonly listAliases?: readonly string[]
  /** Name in the output, if different. `list`: the output has a list with the value as its only item. */
  readonly output?: { readonly name: string; readonly list: boolean }
  /** The private key that this field is the passphrase of. */
  readonly passphraseOf?: string
  /** For a `host`: the fields for the other parts of notations such as `HOST:PORT` and `HOST\\INSTANCE`. */
  readonly hostParts?: { readonly port?: string; readonly instance?: string }
  /** For a `host`: whether the value may be `HOST:PORT`. */
  readonly allowsPort?: boolean
  /** For a `text`: the form that the value must have, if any. */
  readonly form?: TextForm
  /** The optional group that the field belongs to. */
  readonly group?: 'ssh' | 'tls' | 'pool'
}

/** A rule about several fields of a type. */
export type Rule =
  /** All of the fields or none. */
  | { readonly kind: 'together'; readonly fields: readonly string[] }
  /** Exactly one of the fields. */
  | { readonly kind: 'one-of'; readonly fields: readonly string[] }
  /** `field` may be set only if `needs` is set. */
  | { readonly kind: 'needs'; readonly field: string; readonly needs: string }
  /** If `field` is omitted, its value is the property `key` of the JSON object in the field `from`. */
  | { readonly kind: 'derived'; readonly field: string; readonly from: string; readonly key: string }

/** The client that connects to the servers of a type. Several types can share one. */
export type DriverName = 'pg' | 'mysql2' | 'tedious' | 'snowflake-sdk' | 'databricks-rest' | 'bigquery-rest'

/** A type of data source. It consists of data alone, in one file of `types/`. */
export interface SourceType {
  /** The value of `data_sources.type`. */
  readonly name: string
  /**
   * The value of `type` in the secret, if it differs from `name`: the type as which the application reads the secret.
   */
  readonly family?: string
  /** The product's name, for example `PostgreSQL`. */
  readonly label: string
  /** Used by `dsctl test`. */
  readonly driver: DriverName
  /** In the order of prompts and output. */
  readonly fields: Readonly<Record<string, Field>>
  readonly rules: readonly Rule[]
}
