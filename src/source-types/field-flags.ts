import type { Field, FieldKind, SourceType } from './source-type.ts'

/** The flag of a field. It applies to every type that has a field of this name. */
export interface FieldFlag {
  /** For example `--default-database`. */
  readonly flag: string
  readonly field: string
  readonly label: string
  readonly kind: FieldKind
  /** Whether the flag takes a secret source instead of a value. */
  readonly secret: boolean
  /** The names of the types that have the field. */
  readonly types: readonly string[]
  readonly description: string
  /** The placeholder for the value in help, for example `SOURCE`. */
  readonly valueName: string
}

/** One flag for each field name of these types. Aliases have no flags: only request files may use them. */
export function fieldFlags(types: readonly SourceType[]): readonly FieldFlag[] {
  const flags = new Map<string, FieldFlag>()
  for (const type of types) {
    for (const [name, field] of Object.entries(type.fields)) {
      const earlier = flags.get(name) ?? newFlag(name, field)
      const secret = earlier.secret || field.secret
      const valueName = secret ? 'SOURCE' : earlier.valueName
      flags.set(name, { ...earlier, secret, valueName, types: [...earlier.types, type.name] })
    }
  }
  return [...flags.values()]
}

function newFlag(name: string, field: Field): FieldFlag {
  return {
    flag: `--${name.replaceAll('_', '-')}`,
    field: name,
    label: field.label,
    kind: field.kind,
    secret: field.secret,
    types: [],
    description: field.description ?? field.label,
    valueName: field.choices?.join('|') ?? VALUE_NAMES[field.kind],
  }
}

const VALUE_NAMES: Readonly<Record<FieldKind, string>> = {
  text: 'TEXT',
  host: 'HOST',
  integer: 'N',
  boolean: 'true|false',
  choice: 'CHOICE',
  password: 'SOURCE',
  token: 'SOURCE',
  'private-key': 'SOURCE',
  certificates: 'PEM',
  'service-account-key': 'SOURCE',
  'host-key-fingerprint': 'SHA256:…',
}
