import * as z from 'zod/mini'
import { REDACTED } from '../domain/secret.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { ExactNumber } from '../lib/exact-json.ts'
import { parseHostKey } from '../lib/ssh-host-key.ts'
import { formProblem } from './check-form.ts'
import { hostProblem } from './check-host.ts'
import { type CheckedPem, checkCertificates, checkPrivateKey } from './check-pem.ts'
import { invisibleProblem } from './invisible.ts'
import { integerBounds, lengthProblem, lineProblem, MAX_TEXT, notString } from './limits.ts'
import { placeholderProblem } from './placeholder.ts'
import { checkServiceAccountKey } from './service-account-key.ts'
import type { Field, FieldKind } from './source-type.ts'

/** A valid value of a field. The object is a service account key. */
export type FieldValue = string | number | boolean | Readonly<Record<string, unknown>>

type CheckResult = { value: FieldValue } | { message: string }
type Check = (raw: unknown) => CheckResult

/**
 * Validates and converts a value. A message never quotes the value, except a hostname. It may suggest a choice that is
 * similar to the value.
 */
export function checkValue(field: Field, raw: unknown): CheckResult {
  const placeholder =
    typeof raw === 'string' && field.secret && !isJsonObject(raw) ? placeholderProblem(raw) : undefined
  if (placeholder) return { message: placeholder }
  if (typeof raw === 'string' && raw.includes(REDACTED)) return { message: `must not contain ${REDACTED}` }
  if (raw === null) return { message: 'must not be null: omit it instead' }
  return checkOf(field)(raw)
}

/** Whether a text begins like a JSON object. The properties of an object are checked one by one. */
function isJsonObject(text: string): boolean {
  return /^\s*\{\s*"/.test(text)
}

// Cached, because creating a schema takes longer than using it, and a batch checks thousands of values.
const cache = new WeakMap<Field, Check>()

function checkOf(field: Field): Check {
  const cached = cache.get(field)
  if (cached) return cached
  const check = CHECKS[field.kind](field)
  cache.set(field, check)
  return check
}

const CHECKS: Readonly<Record<FieldKind, (field: Field) => Check>> = {
  text: ({ form }) =>
    textCheck(
      value => lineProblem(value, MAX_TEXT) ?? invisibleProblem(value) ?? (form ? formProblem(value, form) : undefined),
    ),
  host: field => textCheck(value => hostProblem(value, field)),
  integer: field => {
    const { min, max } = integerBounds(field)
    const message = `must be a whole number from ${min} to ${max}`
    const unclear = `${message}, in decimal and without leading zeros`
    const error = ({ input }: { input?: unknown }) => (input instanceof ExactNumber ? unclear : message)
    const inBounds = z.int({ error }).check(z.minimum(min, message), z.maximum(max, message))
    return schemaCheck(z.pipe(z.transform(digitsToNumber), inBounds))
  },
  boolean: () => schemaCheck(z.pipe(z.transform(wordToBoolean), z.boolean('must be true or false'))),
  choice: field => textCheck(value => choiceProblem(value, field)),
  password: () => textCheck(passwordProblem),
  token: () => textCheck(tokenProblem),
  'private-key': () => pemCheck(checkPrivateKey),
  certificates: () => pemCheck(checkCertificates),
  'service-account-key': () => checkServiceAccountKey,
  'host-key-fingerprint': () => raw => (typeof raw === 'string' ? parseHostKey(raw) : { message: notString(raw) }),
}

/** Uses a plain function: faster than a schema for the thousands of values in a batch. */
function textCheck(problem: (value: string) => string | undefined): Check {
  return raw => {
    if (typeof raw !== 'string') return { message: notString(raw) }
    const message = problem(raw)
    return message === undefined ? { value: raw } : { message }
  }
}

function pemCheck(check: (text: string) => CheckedPem): Check {
  return raw => (typeof raw === 'string' ? check(raw) : { message: notString(raw) })
}

function schemaCheck(schema: z.ZodMiniType<FieldValue>): Check {
  return raw => {
    const result = schema.safeParse(raw)
    if (result.success) return { value: result.data }
    return { message: [...new Set(result.error.issues.map(({ message }) => message))].join('; ') }
  }
}

function digitsToNumber(raw: unknown): unknown {
  if (raw instanceof ExactNumber) return raw.toInteger() ?? raw
  return typeof raw === 'string' && /^[0-9]{1,15}$/.test(raw) ? Number(raw) : raw
}

function wordToBoolean(raw: unknown): unknown {
  return raw === 'true' || raw === 'false' ? raw === 'true' : raw
}

function choiceProblem(value: string, { choices = [], form }: Field): string | undefined {
  if (choices.includes(value)) return undefined
  const other = form && formProblem(value, form)
  if (other) return other
  return `must be one of ${choices.join(', ')}${didYouMean(value, choices)}`
}

function passwordProblem(value: string): string | undefined {
  return /[\r\n\0]/.test(value) ? 'must be one line, without NUL' : lengthProblem(value, MAX_TEXT)
}

function tokenProblem(value: string): string | undefined {
  const problem = lengthProblem(value, MAX_TEXT)
  return (
    problem ?? (/^[\x21-\x7e]+$/.test(value) ? undefined : 'must be printable ASCII, without spaces or line breaks')
  )
}
