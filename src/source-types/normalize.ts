import { type Credentials, Secret } from '../domain/secret.ts'
import { fieldNames, findField } from './field-names.ts'
import type { Field, SourceType } from './source-type.ts'

/**
 * A stored secret as dsctl would write it: `type`, then the fields under their own names in the order of their
 * declaration, then the keys that the type does not know, as they are. A field that is null or empty is not set.
 */
export function normalizeCredentials(type: SourceType, stored: Credentials): Credentials {
  const named = new Set(Object.keys(stored).map(key => findField(type, key)?.name))
  const known = new Map<string, Secret>()
  for (const [name, field] of Object.entries(type.fields)) {
    const value = named.has(name) && fieldValue(name, field, stored)
    if (value) known.set(name, value)
  }
  const rest = Object.entries(stored).filter(([key, value]) => {
    const name = findField(type, key)?.name
    // A list of several can't be put under the field's own name: it stays, hidden, until the field is given.
    return name === undefined ? key !== 'type' : !known.has(name) && isSeveral(value)
  })
  return Object.fromEntries([['type', new Secret<unknown>(type.name)], ...known, ...rest])
}

function fieldValue(name: string, field: Field, stored: Credentials): Secret | undefined {
  for (const key of fieldNames(name, field)) {
    const value = Object.hasOwn(stored, key) ? stored[key]?.reveal() : undefined
    const plain = field.listAliases?.includes(key) ? onlyOne(value) : value
    if (plain !== undefined && plain !== null && plain !== '') return new Secret(plain)
  }
  return undefined
}

function onlyOne(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.length === 1 ? value[0] : undefined
}

function isSeveral(secret: Secret): boolean {
  const value = secret.reveal()
  return Array.isArray(value) && value.length > 1
}
