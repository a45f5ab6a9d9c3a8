import { didYouMean } from '../lib/did-you-mean.ts'
import type { Field, SourceType } from './source-type.ts'

/** A field under one of its names; `list` where the value comes as a list of one under this name. */
export interface NamedField {
  readonly name: string
  readonly field: Field
  readonly list: boolean
}

// By name and alias, made once for a type: a batch looks thousands of times.
const named = new WeakMap<SourceType, ReadonlyMap<string, NamedField>>()

/** The field that has this name or alias. */
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
  return new Map(all.reverse()) // of two that claim a name the first has it
}

/** Every name under which a field may be given, its own first. */
export function fieldNames(name: string, field: Field): readonly string[] {
  return [name, ...(field.aliases ?? []), ...(field.listAliases ?? [])]
}

/** Says that a type has no such field, with the one that was probably meant. */
export function unknownFieldMessage(type: SourceType, name: string): string {
  const names = Object.entries(type.fields).flatMap(([own, field]) => fieldNames(own, field))
  const known = [...names, ...['name', 'env', 'type'].filter(key => key !== name)]
  return `is not a field of ${type.name}${didYouMean(name, known)}`
}

/** Names a type's fields, for the end of such a message. */
export function fieldListMessage(type: SourceType): string {
  return `the fields are ${Object.keys(type.fields).join(', ')}`
}
