import type { FieldProblem } from '../domain/errors.ts'
import { SecretSource } from '../domain/secret.ts'
import { decodeText } from '../lib/files/decode-text.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readAtMost } from '../lib/files/read-at-most.ts'
import { type FieldFlag, fieldFlags } from '../source-types/field-flags.ts'
import { findField } from '../source-types/field-names.ts'
import { sourceTypes } from '../source-types/index.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { secretSourceProblem } from '../source-types/secret-source.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads the fields from the options of a command, by field name. A secret must be given as a source. Any other value
 * may be the secret itself, so its problem does not quote it.
 */
export async function readFieldOptions(
  options: object,
): Promise<{ fields: Fields; problems: readonly FieldProblem[] }> {
  const values = new Map<string, unknown>(Object.entries(options))
  const given = fieldFlags(sourceTypes).flatMap(flag => {
    const value = values.get(camelCase(flag.flag))
    return typeof value === 'string' ? [{ flag, value }] : []
  })
  const read = await Promise.all(given.map(async ({ flag, value }) => ({ flag, ...(await readOption(flag, value)) })))
  return {
    fields: Object.fromEntries(read.flatMap(({ flag, field }) => (field === undefined ? [] : [[flag.field, field]]))),
    problems: read.flatMap(({ flag, message }) => (message === undefined ? [] : [{ field: flag.field, message }])),
  }
}

/** Merges the fields of a request file and of options. An option overrides the file, even if the file uses an alias. */
export function overrideFields(fileFields: Fields, optionFields: Fields, types = sourceTypes): Fields {
  const fieldName = (key: string) => types.flatMap(type => findField(type, key)?.name ?? [])[0] ?? key
  const kept = Object.entries(fileFields).filter(([key]) => !Object.hasOwn(optionFields, fieldName(key)))
  return { ...Object.fromEntries(kept), ...optionFields }
}

/** The option of a field, for messages: `--default-database`. */
export function optionOf(field: string): string {
  return `--${field.replaceAll('_', '-')}`
}

async function readOption({ secret, kind }: FieldFlag, value: string): Promise<{ field?: unknown; message?: string }> {
  if (secret) {
    const message = secretSourceProblem(value, 'flag')
    return message === undefined ? { field: new SecretSource(value, 'flag') } : { message }
  }
  // Certificates have many lines, so they can also come from a file.
  if (kind !== 'certificates' || !value.startsWith('@')) return { field: value }
  const path = value.slice(1)
  try {
    const decoded = decodeText(await readAtMost(path, MAX_REQUEST_BYTES))
    return 'problem' in decoded ? { message: `comes from ${path}, which ${decoded.problem}` } : { field: decoded.text }
  } catch (error) {
    return { message: `comes from ${path}, which ${describeReadError(error)}` }
  }
}

function camelCase(flag: string): string {
  return flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
