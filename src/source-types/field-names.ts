import { didYouMean } from '../lib/did-you-mean.ts'
import type { Field, SourceType } from './source-type.ts'

/** A field found by one of its names. `list`: under this name, its value is a list with one item. */
export interface NamedField {
  readonly name: string
  readonly field: Field
  readonly list: boolean
}

// Fields by name and alias. Cached for each type: a batch does thousands of lookups.
const named = new WeakMap<SourceType, ReadonlyMap<string, NamedField>>()

/** Finds a field by its name or an alias. */
export function findField(type: SourceType, nameOrAlias: string): NamedField | undefined {
  const known = named.get(type) ?? fieldsByName(type)
  named.set(type, known)
  return known.get(nameOrAlias)
}

function fieldsByName(type: SourceType): ReadonlyMap<string, NamedField> {
  const all = Object.entries(type.fields).flatMap(([name, field]) =>
    fieldNames(name, field).map((key): [string, NamedField] => {
      return [key, { name, field, list: field.listAliases?.includes(key) ?? false }]
    }),
  )
  return new Map(all.reverse()) // reversed, so that the first field with a name wins
}

/** All names of a field, its own first. */
export function fieldNames(name: string, field: Field): readonly string[] {
  return [name, ...(field.aliases ?? []), ...(field.listAliases ?? [])]
}

/** The problem with a name that is not a field of the type, with a suggestion. */
export function unknownFieldMessage(type: SourceType, name: string): string {
  const names = Object.entries(type.fields).flatMap(([own, field]) => fieldNames(own, field))
  const known = [...names, ...['name', 'env', 'type'].filter(key => key !== name)]
  return `is not a field of ${type.name}${didYouMean(name, known)}`
}

/** The names of all fields, to append to the message about an unknown field. */
export function fieldListMessage(type: SourceType): string {
  return `the fields are ${Object.keys(type.fields).join(', ')}`
}
