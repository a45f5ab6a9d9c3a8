import { type Credentials, Secret } from '../domain/secret.ts'
import { fieldNames, findField } from './field-names.ts'
import type { Field, SourceType } from './source-type.ts'

/**
 * Converts stored credentials to the form that dsctl writes: `type`, then the fields under their own names in the order
 * of their declaration, then unknown keys unchanged. Fields that are null or empty are dropped.
 */
export function normalizeCredentials(type: SourceType, stored: Credentials): Credentials {
  const present = new Set(Object.keys(stored).map(key => findField(type, key)?.name))
  const known = new Map<string, Secret>()
  for (const [name, field] of Object.entries(type.fields)) {
    const value = present.has(name) && fieldValue(name, field, stored)
    if (value) known.set(name, value)
  }
  const rest = Object.entries(stored).filter(([key, value]) => {
    const name = findField(type, key)?.name
    // A list of several items does not fit the field. It is kept under its key, hidden, until the field is set.
    return name === undefined ? key !== 'type' : !known.has(name) && hasSeveralItems(value)
  })
  return Object.fromEntries([['type', new Secret<unknown>(type.name)], ...known, ...rest])
}

function fieldValue(name: string, field: Field, stored: Credentials): Secret | undefined {
  for (const key of fieldNames(name, field)) {
    const value = Object.hasOwn(stored, key) ? stored[key]?.reveal() : undefined
    const single = field.listAliases?.includes(key) ? singleItem(value) : value
    if (single !== undefined && single !== null && single !== '') return new Secret(single)
  }
  return undefined
}

function singleItem(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.length === 1 ? value[0] : undefined
}

function hasSeveralItems(secret: Secret): boolean {
  const value = secret.reveal()
  return Array.isArray(value) && value.length > 1
}
