import { type Credentials, Secret } from '../domain/secret.ts'
import { ExactNumber } from '../lib/exact-json.ts'
import { fieldNames, findField } from './field-names.ts'
import type { Field, SourceType } from './source-type.ts'

/**
 * Reads stored credentials, which another program may have written: `type`, then the fields under their own names in
 * the order of their declaration, then unknown keys unchanged. Fields that are null or empty are dropped.
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
  return Object.fromEntries([['type', new Secret<unknown>(type.family ?? type.name)], ...known, ...rest])
}

/** The name under which the value of a field is stored: its own, or an alias that another program has used. */
export function storedName(name: string, field: Field, stored: Credentials): string | undefined {
  return fieldNames(name, field).find(key => valueUnder(key, field, stored) !== undefined)
}

/** Whether a stored value is a list of several items, which a field cannot have. */
export function hasSeveralItems(secret: Secret): boolean {
  const value = secret.reveal()
  return Array.isArray(value) && value.length > 1
}

function fieldValue(name: string, field: Field, stored: Credentials): Secret | undefined {
  const key = storedName(name, field, stored)
  const value = key === undefined ? undefined : valueUnder(key, field, stored)
  const sealed = key === undefined ? undefined : stored[key]
  return value === undefined || sealed?.reveal() === value ? sealed : new Secret(value)
}

/** The value that a field has under one of its names. Undefined if there is none, or if it is null or empty. */
function valueUnder(key: string, field: Field, stored: Credentials): unknown {
  const value = Object.hasOwn(stored, key) ? stored[key]?.reveal() : undefined
  const single = plainNumber(field.listAliases?.includes(key) ? singleItem(value) : value)
  return single === null || single === '' ? undefined : single
}

/** Converts a number such as `5432.0` to a JavaScript number, unless it is too large. */
function plainNumber(value: unknown): unknown {
  return value instanceof ExactNumber ? (value.toInteger() ?? value) : value
}

function singleItem(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.length === 1 ? value[0] : undefined
}
