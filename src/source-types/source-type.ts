/** What a field's value looks like; `kinds.ts` says for each how it is checked and what its messages say. */
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

/** The kinds whose values span lines: they keep every byte, and a person gives them by file or by pasting. */
export const MULTILINE_KINDS: readonly FieldKind[] = ['private-key', 'certificates', 'service-account-key']

/** One field of a source type: everything that flags, prompts, validation, redaction and documents need to know. */
export interface Field {
  /** What a person is asked for, for instance `Host`. */
  readonly label: string
  readonly kind: FieldKind
  /** A required property on purpose: whoever declares a field decides whether it may ever be shown. */
  readonly secret: boolean
  readonly required: boolean
  /** Stored when the field is left out (for a field of a group: when the group is used). */
  readonly default?: string | number | boolean
  /** One sentence for `--help` and `dsctl types`. */
  readonly description?: string
  /** The allowed values of a `choice`. */
  readonly choices?: readonly string[]
  /** Bounds of an `integer`, both inclusive. */
  readonly min?: number
  readonly max?: number
  /** Other names under which a request may give this field. */
  readonly aliases?: readonly string[]
  /** Further such names, under which it comes as a list of one. */
  readonly listAliases?: readonly string[]
  /** How answers show it, where not under its own name: `list` wraps the value into a list of one. */
  readonly output?: { readonly name: string; readonly list: boolean }
  /** The optional group that it belongs to. */
  readonly group?: 'ssh' | 'tls' | 'pool'
}

/** What holds between the fields of a type. */
export type Rule =
  /** All of them or none. */
  | { readonly kind: 'together'; readonly fields: readonly string[] }
  /** Exactly one of them. */
  | { readonly kind: 'one-of'; readonly fields: readonly string[] }
  /** `field` makes sense only where `needs` is given. */
  | { readonly kind: 'needs'; readonly field: string; readonly needs: string }
  /** `field`, when left out, is the property `key` of the JSON object in `from`. */
  | { readonly kind: 'derived'; readonly field: string; readonly from: string; readonly key: string }

/** Which client reaches the servers of a type; several types can share one. */
export type DriverName = 'pg' | 'mysql2' | 'tedious' | 'snowflake-sdk' | 'databricks-rest' | 'bigquery-rest'

/** A source type: data only. One file declares one, and nothing else in the program knows its name. */
export interface SourceType {
  /** As stored in `data_sources.type` and in the secret's `type`. */
  readonly name: string
  /** As people write it, for instance `PostgreSQL`. */
  readonly label: string
  /** By which `dsctl test` connects to it. */
  readonly driver: DriverName
  /** In the order in which they are asked for and shown. */
  readonly fields: Readonly<Record<string, Field>>
  readonly rules: readonly Rule[]
}
