import { safeKey } from '../domain/errors.ts'
import { findDuplicateKey } from '../lib/duplicate-keys.ts'
import { ExactNumber, parseExactJson, stringifyExactJson } from '../lib/exact-json.ts'
import { checkPrivateKey } from './check-pem.ts'
import { invisibleProblem } from './invisible.ts'
import { lineProblem, MAX_KEY_BYTES, MAX_TEXT, sizeProblem } from './limits.ts'
import { placeholderProblem } from './placeholder.ts'

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Validates a Google Cloud service account key, as JSON text or as the object. Returns the object with every property
 * as it was given. A message holds no values.
 */
export function checkServiceAccountKey(raw: unknown): { readonly value: JsonObject } | { readonly message: string } {
  const read = readObject(raw)
  if ('message' in read) return read
  const problems = Object.entries(PROPERTY_PROBLEMS).flatMap(([name, problemOf]) => {
    const problem = problemOf(read.value[name])
    return problem === undefined ? [] : [`its ${name} ${problem}`]
  })
  const size = problems.length ? undefined : sizeProblem(stringifyExactJson(read.value), MAX_KEY_BYTES)
  if (problems.length || size) return { message: size ?? problems.join('; ') }
  const key = checkPrivateKey(String(read.value.private_key))
  return 'value' in key ? { value: { ...read.value, private_key: key.value } } : key
}

/** The object if one of its secrets is a mask or a placeholder. Undefined for any other value. */
export function withPlaceholder(raw: unknown): JsonObject | undefined {
  const read = readObject(raw)
  const isPlaceholder = (value: unknown) => typeof value === 'string' && placeholderProblem(value) !== undefined
  if ('message' in read) return undefined
  return [read.value.private_key, read.value.private_key_id].some(isPlaceholder) ? read.value : undefined
}

/** The properties that dsctl uses. */
const PROPERTY_PROBLEMS: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  type: value => (value === 'service_account' ? undefined : 'must be "service_account"'),
  project_id: textProblem(value => lineProblem(value, MAX_TEXT) ?? invisibleProblem(value)),
  client_email: textProblem(value => lineProblem(value, MAX_TEXT) ?? invisibleProblem(value)),
  private_key_id: value => (typeof value === 'string' ? placeholderProblem(value) : undefined),
  private_key: textProblem(value => {
    const placeholder = placeholderProblem(value)
    if (placeholder) return placeholder
    const checked = checkPrivateKey(value)
    return 'message' in checked ? checked.message : undefined
  }),
}

function textProblem(problem: (value: string) => string | undefined): (value: unknown) => string | undefined {
  return value => (typeof value === 'string' ? problem(value) : 'is missing or not a string')
}

function readObject(raw: unknown): { readonly value: JsonObject } | { readonly message: string } {
  const parsed = typeof raw === 'string' ? parseText(raw) : raw
  if (typeof raw === 'string' && /^\s*(?:ey|ew)[A-Za-z0-9+/=\s]+$/.test(raw)) {
    return { message: `${NOT_A_KEY}: this is base64-encoded; decode it with base64 -d` }
  }
  const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  if (!isObject || parsed instanceof ExactNumber || isCircular(parsed)) return { message: NOT_A_KEY }
  const duplicate = typeof raw === 'string' ? findDuplicateKey(raw) : undefined
  if (duplicate) return { message: `has a duplicate key in an object: ${safeKey(duplicate.key)}` }
  const changed = numberThatVaultChanges(parsed)
  if (changed !== undefined) return { message: `its ${changed} is a number that Vault would change: quote it` }
  return { value: { ...parsed } }
}

/** The key of a number inside a value that Vault, which stores 64-bit floating point numbers, would not keep as it is. */
function numberThatVaultChanges(value: unknown, name = 'value'): string | undefined {
  if (value instanceof ExactNumber) return safeKey(name)
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, each] of Object.entries(value)) {
    const found = numberThatVaultChanges(each, Array.isArray(value) ? name : key)
    if (found !== undefined) return found
  }
  return undefined
}

const NOT_A_KEY = 'must be the JSON object of a service account key'

function parseText(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}

/** Whether an object contains itself. YAML anchors can create such objects. */
function isCircular(object: object): boolean {
  try {
    stringifyExactJson(object)
    return false
  } catch {
    return true
  }
}
