import { dirname, resolve } from 'node:path'
import type { Context } from '../cli/context.ts'
import type { FieldProblem } from '../domain/errors.ts'
import { REDACTED, Secret, SecretSource } from '../domain/secret.ts'
import { decodeUtf8 } from '../lib/files/decode-utf8.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readAtMost, readChecked } from '../lib/files/read-at-most.ts'
import { findField } from '../source-types/field-names.ts'
import { sourceTypes } from '../source-types/index.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { type ParsedSecretSource, parseSecretSource, secretSourceProblem } from '../source-types/secret-source.ts'
import { type Field, MULTILINE_KINDS } from '../source-types/source-type.ts'
import { openedOutOfReach, outOfReach, type Reach, reachOf } from './source-policy.ts'

/** From where secrets can be fetched, and how far a request file may reach. */
export interface SourceReaders {
  readonly env: Readonly<Record<string, string | undefined>>
  readSecret: Context['readSecret']
  readVaultField(path: string, field: string): Promise<string>
  /** Undefined where there is no request file. */
  readonly reach: Reach | undefined
  /** Where in Vault the secret of the data source concerned is, which a request file may name: it means, keep it. */
  readonly own?: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** The real readers; `own` is known once the record is. */
export function sourceReaders(context: Context, requestFile: string | undefined, own?: string): SourceReaders {
  const { readSecret, readVaultField, streams } = context
  const reach = requestFile === undefined ? undefined : reachOf(context, requestFile)
  return { env: streams.env, readSecret, readVaultField, reach, own }
}

/** Whether anything is still to be fetched. */
export function hasSources(given: Fields): boolean {
  return Object.values(given).some(value => value instanceof SecretSource)
}

/**
 * Whether something is to be fetched only once the work is permitted: what a request file names, since others may have
 * written it, and what is in Vault. What the caller's own flags name on this machine costs nothing to look at.
 */
export function needsPermission(given: Fields): boolean {
  return Object.values(given).some(
    value =>
      value instanceof SecretSource && (value.origin === 'file' || parseSecretSource(value.text)?.kind === 'vault'),
  )
}

/** What is wrong with the sources as such. Nothing is fetched: first everything has to be valid and permitted. */
export function checkSources(given: Fields, readers: SourceReaders): readonly FieldProblem[] {
  const isRequest = readers.reach?.requestFile === '-'
  const tooMany = usersOfStdin(given).slice(isRequest ? 0 : 1)
  const why = isRequest ? 'the request itself comes from there' : 'only one secret of a call can'
  return Object.entries(given).flatMap(([field, value]) => {
    if (tooMany.includes(field)) return [{ field, message: `cannot come from standard input too: ${why}` }]
    const message = value instanceof SecretSource ? problemOf(field, value, readers) : undefined
    return message === undefined ? [] : [{ field, message }]
  })
}

/**
 * Fetches every secret from its source; what is none stays as it is. Call it last, once `checkSources` has found
 * nothing. Problems name fields, never values; a failure of Vault is thrown.
 */
export async function fetchSecrets(
  given: Fields,
  readers: SourceReaders,
): Promise<{ fields: Fields; problems: readonly FieldProblem[] }> {
  const problems: FieldProblem[] = []
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const fetched = value instanceof SecretSource ? await fetchOne(name, value, readers) : { value }
    if ('value' in fetched) fields[name] = fetched.value
    else problems.push({ field: name, message: fetched.message })
  }
  return { fields, problems }
}

function problemOf(name: string, { text, origin }: SecretSource, readers: SourceReaders): string | undefined {
  const parsed = parseSecretSource(text)
  if (!parsed) return secretSourceProblem(text, origin) ?? ''
  const { reach } = readers
  return origin === 'flag' || !reach || isOwn(name, parsed, readers) ? undefined : outOfReach(parsed, reach)
}

/** Whether it is the field's own secret of the data source concerned: there is nothing to fetch. */
function isOwn(name: string, source: ParsedSecretSource, { own }: SourceReaders): boolean {
  if (source.kind !== 'vault' || source.path !== own) return false
  return sourceTypes.some(type => {
    const field = findField(type, name)
    return field !== undefined && findField(type, source.field)?.name === field.name
  })
}

async function fetchOne(
  name: string,
  source: SecretSource,
  readers: SourceReaders,
): Promise<{ value: Secret } | { message: string }> {
  const parsed = parseSecretSource(source.text)
  if (!parsed) return { message: secretSourceProblem(source.text, source.origin) ?? '' }
  // The mask that an answer shows: what is stored stays.
  if (source.origin === 'file' && isOwn(name, parsed, readers)) return { value: new Secret(REDACTED) }
  const bytes = await read(parsed, { name, origin: source.origin }, readers)
  if (typeof bytes === 'string') return { message: bytes }
  const text = decodeUtf8(bytes)
  if (text === undefined) return { message: 'is not UTF-8 text' }
  return { value: new Secret(hasLines(name) ? text : text.replace(/\r?\n$/, '')) }
}

/** Whether a field, which means the same in every type that has it, keeps its line breaks. */
function hasLines(name: string): boolean {
  return fieldsNamed(name).some(({ kind }) => MULTILINE_KINDS.includes(kind))
}

function fieldsNamed(name: string): readonly Field[] {
  return sourceTypes.flatMap(type => findField(type, name)?.field ?? [])
}

async function typedOrPiped(name: string, { readSecret }: SourceReaders): Promise<Buffer | string> {
  const secret = await readSecret(fieldsNamed(name)[0]?.label ?? name, hasLines(name) ? 'several' : 'one')
  return secret ?? 'comes from standard input, a terminal that would show it, and nobody can be asked here: pipe it in'
}

/** The secret's bytes, or what is wrong with its source. */
async function read(
  source: ParsedSecretSource,
  { name, origin }: { name: string; origin: SecretSource['origin'] },
  readers: SourceReaders,
): Promise<Buffer | string> {
  const { env, readVaultField, reach } = readers
  if (source.kind === 'stdin') return typedOrPiped(name, readers)
  if (source.kind === 'vault') return Buffer.from(await readVaultField(source.path, source.field))
  if (source.kind === 'env') {
    const value = env[source.name]
    if (value === undefined || value === '') return `comes from ${source.name}, which is not set`
    // Node has put U+FFFD in the place of what is no UTF-8.
    return value.includes('\ufffd') ? 'is not UTF-8 text' : Buffer.from(value)
  }
  const named = origin === 'file' ? reach : undefined
  const path = named ? resolve(dirname(named.requestFile), source.path) : source.path
  try {
    if (!named) return await readAtMost(path, MAX_REQUEST_BYTES)
    return await readChecked(path, MAX_REQUEST_BYTES, fd => openedOutOfReach(fd, source.path, named))
  } catch (error) {
    return `comes from ${path}, which ${describeReadError(error)}`
  }
}

function usersOfStdin(given: Fields): string[] {
  return Object.entries(given).flatMap(([name, value]) =>
    value instanceof SecretSource && value.text === '-' ? [name] : [],
  )
}
