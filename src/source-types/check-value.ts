import * as z from 'zod/mini'
import { isMask, REDACTED } from '../domain/secret.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { hostProblem } from './check-host.ts'
import { certificatesProblem, privateKeyProblem } from './check-pem.ts'
import { integerBounds, lengthProblem, lineProblem, MAX_TEXT } from './limits.ts'
import { serviceAccountKey } from './service-account-key.ts'
import type { Field, FieldKind } from './source-type.ts'

/** What a field's value can be once it is checked; the object is a service account key. */
export type FieldValue = string | number | boolean | Readonly<Record<string, unknown>>

/** Checks and converts one value. A message holds nothing of the value but a host's name, or a choice it resembles. */
export function checkValue(field: Field, raw: unknown): { value: FieldValue } | { message: string } {
  if (typeof raw === 'string' && field.secret && isMask(raw)) return { message: 'is a mask: give the secret itself' }
  if (typeof raw === 'string' && raw.includes(REDACTED)) return { message: `must not hold ${REDACTED}` }
  if (raw === null) return { message: 'must not be null: leave it out where it has no value' }
  return checkOf(field)(raw)
}

type Check = (raw: unknown) => { value: FieldValue } | { message: string }

// Made once for a field: a batch checks thousands of values, and making a schema costs more than using it.
const made = new WeakMap<Field, Check>()

function checkOf(field: Field): Check {
  const known = made.get(field)
  if (known) return known
  const check = CHECKS[field.kind](field)
  made.set(field, check)
  return check
}

const keyFingerprint = /^SHA256:[A-Za-z0-9+/]{43}=?$/

const CHECKS: Readonly<Record<FieldKind, (field: Field) => Check>> = {
  text: () => judged(value => lineProblem(value, MAX_TEXT)),
  host: () => judged(hostProblem),
  integer: field => {
    const { min, max } = integerBounds(field)
    const message = `must be a whole number from ${min} to ${max}`
    const inBounds = z.int(message).check(z.minimum(min, message), z.maximum(max, message))
    return bySchema(z.pipe(z.transform(digitsToNumber), inBounds))
  },
  boolean: () => bySchema(z.pipe(z.transform(wordToBoolean), z.boolean('must be true or false'))),
  choice: field => judged(value => choiceProblem(value, field.choices ?? [])),
  password: () => judged(passwordProblem),
  token: () => judged(tokenProblem),
  'private-key': () => judged(privateKeyProblem),
  certificates: () => judged(certificatesProblem),
  'service-account-key': () => bySchema(serviceAccountKey),
  'host-key-fingerprint': () =>
    bySchema(
      z.string({ error: issue => notText(issue.input) }).check(
        z.regex(keyFingerprint, 'must be SHA256: and 43 characters of base64, as printed by ssh-keygen -l'),
        z.overwrite(value => value.replace(/=$/, '')),
      ),
    ),
}

/** A text, of which a function says what is wrong: a batch has thousands, for which a schema takes its time. */
function judged(problem: (value: string) => string | undefined): Check {
  return raw => {
    if (typeof raw !== 'string') return { message: notText(raw) }
    const message = problem(raw)
    return message === undefined ? { value: raw } : { message }
  }
}

function bySchema(schema: z.ZodMiniType<FieldValue>): Check {
  return raw => {
    const result = schema.safeParse(raw)
    if (result.success) return { value: result.data }
    return { message: [...new Set(result.error.issues.map(describe))].join('; ') }
  }
}

/** Inside a service account key, the property concerned comes first. */
function describe(issue: z.core.$ZodIssue): string {
  return issue.path.length ? `its ${issue.path.join('.')} ${issue.message}` : issue.message
}

function notText(raw: unknown): string {
  if (Array.isArray(raw)) return 'must be a string, not a list'
  return typeof raw === 'object' ? 'must be a string, not an object' : 'must be a string: quote it'
}

function digitsToNumber(raw: unknown): unknown {
  return typeof raw === 'string' && /^[0-9]{1,15}$/.test(raw) ? Number(raw) : raw
}

function wordToBoolean(raw: unknown): unknown {
  return raw === 'true' || raw === 'false' ? raw === 'true' : raw
}

function choiceProblem(value: string, choices: readonly string[]): string | undefined {
  if (choices.includes(value)) return undefined
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
