import { type Credentials, Secret } from '../domain/secret.ts'
import { stringifyExactJson } from '../lib/exact-json.ts'
import { fieldNames, findField } from './field-names.ts'
import type { SourceType } from './source-type.ts'

/**
 * Changes some fields of the stored credentials; undefined removes a field. Everything else stays as another program
 * stored it. A changed field keeps its stored name and form, because the application reads it there. If it is stored
 * under several names, each of them gets the new value.
 */
export function writeBack(
  type: SourceType,
  stored: Credentials,
  changes: ReadonlyMap<string, Secret | undefined>,
): Credentials {
  const names = new Map([...changes.keys()].map(name => [name, namesToWrite(type, name, stored)] as const))
  const kept = Object.entries(stored).flatMap(([key, value]): [string, Secret][] => {
    const named = findField(type, key)
    if (!named || !changes.has(named.name)) return [[key, value]]
    const change = changes.get(named.name)
    if (!change) return []
    return [[key, names.get(named.name)?.includes(key) ? inFormOf(value, change, { list: named.list }) : value]]
  })
  const added = [...changes].flatMap(([name, value]): [string, Secret][] =>
    value && !names.get(name)?.length ? [[name, value]] : [],
  )
  return Object.fromEntries([...kept, ...added])
}

/** The names under which a field has a stored value. If all of these values are blank, returns the first name. */
function namesToWrite(type: SourceType, name: string, stored: Credentials): readonly string[] {
  const field = type.fields[name]
  const names = field ? fieldNames(name, field).filter(key => Object.hasOwn(stored, key)) : []
  const used = names.filter(key => !isBlank(stored[key]?.reveal()))
  return used.length ? used : names.slice(0, 1)
}

function isBlank(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

/** A new value in the form of the stored one: as a list with one item, or as text. */
function inFormOf(stored: Secret, change: Secret, { list }: { list: boolean }): Secret {
  const [before, after] = [stored.reveal(), change.reveal()]
  if (list && (isBlank(before) || Array.isArray(before))) return new Secret([after])
  if (typeof before !== 'string' || before === '' || typeof after === 'string') return change
  return new Secret(typeof after === 'object' ? stringifyExactJson(after) : String(after))
}
