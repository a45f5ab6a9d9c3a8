import type { FieldProblem } from '../domain/errors.ts'
import { invisibleCharacter } from './invisible.ts'
import { lineProblem, notString } from './limits.ts'

/** In characters, after trimming. */
export const MAX_NAME = 255
export const ENV_PATTERN = '^[A-Za-z0-9._-]{1,64}$'

type Checked = { readonly value: string } | { readonly problem: FieldProblem }

/** Validates and trims the name of a data source. */
export function checkName(raw: unknown): Checked {
  if (typeof raw !== 'string') return problem('name', notText(raw))
  const value = raw.trim()
  const message = lineProblem(value, MAX_NAME)
  return message ? problem('name', message) : { value }
}

/**
 * The warning for a data source's name with white space around it or invisible characters in it, otherwise undefined.
 */
export function nameWarning(raw: unknown): string | undefined {
  if (typeof raw !== 'string' || raw.trim() === '') return undefined
  const hidden = invisibleCharacter(raw.trim())
  if (hidden) return `the name contains invisible characters (${hidden})`
  return raw === raw.trim() ? undefined : 'the white space around the name was removed'
}

/** Validates the env of a data source. */
export function checkEnv(raw: unknown): Checked {
  if (typeof raw !== 'string') return problem('env', notText(raw))
  if (new RegExp(ENV_PATTERN).test(raw)) return { value: raw }
  return problem('env', 'must be 1 to 64 letters, digits, ".", "_" or "-"')
}

function notText(raw: unknown): string {
  return raw === undefined || raw === null ? 'is required' : notString(raw)
}

function problem(field: string, message: string): Checked {
  return { problem: { field, message } }
}
