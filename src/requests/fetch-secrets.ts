import { dirname, resolve } from 'node:path'
import type { InputContext } from '../cli/context.ts'
import type { FieldProblem } from '../domain/errors.ts'
import { isMask, Secret, SecretSource } from '../domain/secret.ts'
import { decodeText } from '../lib/files/decode-text.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readAtMost, readChecked } from '../lib/files/read-at-most.ts'
import { findField } from '../source-types/field-names.ts'
import { sourceTypes } from '../source-types/index.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { placeholderProblem } from '../source-types/placeholder.ts'
import { type ParsedSecretSource, parseSecretSource, secretSourceProblem } from '../source-types/secret-source.ts'
import { type Field, MULTILINE_KINDS } from '../source-types/source-type.ts'
import { allowPlaceholders, allowsPlaceholder, type PlaceholderOptions } from './allow-placeholders.ts'
import { openFileProblem } from './file-policy.ts'
import { readSourcePolicy, type SourcePolicy } from './source-policy.ts'

/** The means to read secrets from their sources, and the policy that limits the sources in a request file. */
export interface SourceReaders {
  readonly env: Readonly<Record<string, string | undefined>>
  readSecret: InputContext['readSecret']
  readVaultField: InputContext['readVaultField']
  /** Whether a mask or a placeholder may be stored. */
  readonly allowPlaceholder: boolean | undefined
  /** Undefined without a request file. The policy does not apply to options. */
  readonly policy: SourcePolicy | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** The request file and the options that say what it may contain. */
interface SourceOptions extends PlaceholderOptions {
  readonly file?: string | undefined
  readonly allowFrom?: readonly string[] | undefined
}

/** The readers for one request. `allowFrom`: the patterns of `--allow-from`. */
export function sourceReaders(
  context: InputContext,
  { file, allowFrom, allowPlaceholder }: SourceOptions = {},
): SourceReaders {
  const { readSecret, readVaultField, streams } = context
  const policy = file === undefined ? undefined : readSourcePolicy(context, file, allowFrom)
  return { env: streams.env, readSecret, readVaultField, allowPlaceholder, policy }
}

/**
 * Fetches every secret from its source and returns all fields. Call this only if `checkSources` has found no problem.
 * The problems name fields, never values. Throws if Vault fails.
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
    else problems.push({ field: name, message: fetched.message, ofSource: true })
  }
  return { fields: allowPlaceholders(fields, readers), problems }
}

async function fetchOne(
  name: string,
  source: SecretSource,
  readers: SourceReaders,
): Promise<{ value: Secret } | { message: string }> {
  const parsed = parseSecretSource(source.text)
  if (!parsed) return { message: secretSourceProblem(source.text, source.origin) ?? '' }
  const bytes = await readSource(parsed, { name, origin: source.origin }, readers)
  if (typeof bytes === 'string') return { message: bytes }
  const decoded = decodeText(bytes)
  if ('problem' in decoded) return { message: problemWithSource(parsed, decoded.problem) }
  const text = isMultiLine(name) ? decoded.text : decoded.text.replace(/\r?\n$/, '')
  // Refuse a mask here: in an update, a mask would mean that the stored secret is kept.
  const mask = isMask(text) && !allowsPlaceholder(name, text, readers) ? placeholderProblem(text) : undefined
  return mask ? { message: mask } : { value: new Secret(text) }
}

/** The problem with the content of a source. For a file, the message names it. */
function problemWithSource(source: ParsedSecretSource, problem: string): string {
  return source.kind === 'file' ? `comes from ${source.path}, which ${problem}` : problem
}

/** The bytes of a secret, or the problem with its source. */
async function readSource(
  source: ParsedSecretSource,
  { name, origin }: { name: string; origin: SecretSource['origin'] },
  readers: SourceReaders,
): Promise<Buffer | string> {
  const { env, readVaultField, policy } = readers
  if (source.kind === 'stdin') return typedOrPiped(name, readers)
  if (source.kind === 'vault') return readFromVault(source, readVaultField)
  if (source.kind === 'env') return readVariable(env, source.name)
  const limits = origin === 'file' ? policy : undefined
  const path = limits ? resolve(dirname(limits.requestFile), source.path) : source.path
  try {
    if (!limits) return await readAtMost(path, MAX_REQUEST_BYTES)
    return await readChecked(path, MAX_REQUEST_BYTES, fd => openFileProblem(fd, source.path, limits))
  } catch (error) {
    return `comes from ${path}, which ${describeReadError(error)}`
  }
}

async function typedOrPiped(name: string, { readSecret }: SourceReaders): Promise<Buffer | string> {
  const secret = await readSecret(fieldsNamed(name)[0]?.label ?? name, isMultiLine(name) ? 'several' : 'one')
  return secret ?? 'must be piped in: standard input is a terminal, and prompts are off'
}

async function readFromVault(
  { path, field }: { path: string; field: string },
  read: InputContext['readVaultField'],
): Promise<Buffer | string> {
  const found = await read(path, field)
  return 'value' in found ? Buffer.from(found.value) : found.problem
}

function readVariable(env: SourceReaders['env'], name: string): Buffer | string {
  const value = env[name]
  if (value === undefined || value === '') return `comes from ${name}, which is not set`
  // Node replaces bytes that are not UTF-8 with U+FFFD.
  return value.includes('\ufffd') ? 'is not UTF-8 text' : Buffer.from(value)
}

/** Whether a field keeps its line breaks. A field name means the same in every type. */
function isMultiLine(name: string): boolean {
  return fieldsNamed(name).some(({ kind }) => MULTILINE_KINDS.includes(kind))
}

function fieldsNamed(name: string): readonly Field[] {
  return sourceTypes.flatMap(type => findField(type, name)?.field ?? [])
}
