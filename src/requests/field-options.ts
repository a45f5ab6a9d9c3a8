import { type Command, Option } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Flags } from '../cli/context.ts'
import type { FieldProblem } from '../domain/errors.ts'
import { SecretSource } from '../domain/secret.ts'
import { decodeUtf8 } from '../lib/files/decode-utf8.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readAtMost } from '../lib/files/read-at-most.ts'
import { describeType } from '../source-types/describe.ts'
import { type FieldFlag, fieldFlags } from '../source-types/field-flags.ts'
import { findSourceType, sourceTypes } from '../source-types/index.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { secretSourceProblem } from '../source-types/secret-source.ts'
import type { SourceType } from '../source-types/source-type.ts'

/**
 * Adds a flag for every field of every type. Where `--type` names one, help shows that type's alone: the others are
 * still known, so that a wrong one is answered by what the type has. `plain`: secrets are not to be given, nor shown.
 */
export function addFieldOptions(command: Command, args: readonly string[], which: 'all' | 'plain' = 'all'): void {
  const named = findSourceType(optionIn(args, '--type') ?? '')
  const needed = named && command.name() === 'create' ? neededFields(named) : new Map<string, string>()
  for (const flag of fieldFlags(sourceTypes)) {
    const text = `${description(flag, named !== undefined)}${needed.get(flag.field) ?? ''}`
    const option = new Option(`${flag.flag} <${flag.valueName}>`, text)
    if ((named && !flag.types.includes(named.name)) || (which === 'plain' && flag.secret)) option.hideHelp()
    command.addOption(flag.valueName.includes('|') ? withCompletion(option, flag.valueName.split('|')) : option)
  }
}

/** `--type`: one of the types. */
export function typeOption(description: string): Option {
  const names = sourceTypes.map(({ name }) => name)
  return withCompletion(new Option('--type <type>', description), names)
}

/** `-f, --file`: one request, or with `several` any number of files. */
export function fileOption(description: string, several = false): Option {
  return withCompletion(new Option(`-f, --file <file${several ? '...' : ''}>`, description), 'files')
}

/** `--unset`: any number of fields, by their names. */
export function unsetOption(): Option {
  const names = fieldFlags(sourceTypes).map(({ field }) => field)
  return withCompletion(new Option('--unset <field...>', 'take a field out'), names)
}

/** `--allow-from`, for every command that takes a request file. */
export function allowFrom(): Option {
  const all = (pattern: string, earlier: readonly string[] = []) => [...earlier, pattern]
  return new Option(
    '--allow-from <pattern>',
    'what a request file may name besides: env:DS_*, vault:kv/team/*',
  ).argParser(all)
}

/**
 * The fields that the flags give, by name. A secret's value must be a source; what is none may be the secret itself,
 * and is not repeated.
 */
export async function fieldsFromFlags(flags: Flags): Promise<{
  fields: Readonly<Record<string, unknown>>
  problems: readonly FieldProblem[]
}> {
  const given = fieldFlags(sourceTypes).flatMap(flag => {
    const value = flags[camelCase(flag.flag)]
    return typeof value === 'string' ? [{ flag, value }] : []
  })
  const read = await Promise.all(given.map(async ({ flag, value }) => ({ flag, ...(await readFlag(flag, value)) })))
  return {
    fields: Object.fromEntries(read.flatMap(({ flag, field }) => (field === undefined ? [] : [[flag.field, field]]))),
    problems: read.flatMap(({ flag, message }) => (message === undefined ? [] : [{ field: flag.field, message }])),
  }
}

/** The flag of a field, for messages: `--default-database`. */
export function flagOf(field: string): string {
  return `--${field.replaceAll('_', '-')}`
}

async function readFlag({ secret, kind }: FieldFlag, value: string): Promise<{ field?: unknown; message?: string }> {
  if (secret) {
    const message = secretSourceProblem(value, 'flag')
    return message === undefined ? { field: new SecretSource(value, 'flag') } : { message }
  }
  // Certificates have many lines: nobody types them.
  if (kind !== 'certificates' || !value.startsWith('@')) return { field: value }
  const path = value.slice(1)
  try {
    const text = decodeUtf8(await readAtMost(path, MAX_REQUEST_BYTES))
    return text === undefined ? { message: 'is not UTF-8 text' } : { field: text }
  } catch (error) {
    return { message: `comes from ${path}, which ${describeReadError(error)}` }
  }
}

function description(flag: FieldFlag, alone: boolean): string {
  const types = flag.types.length === sourceTypes.length ? 'every type' : flag.types.join(', ')
  return alone ? flag.description : `${flag.description} (${types})`
}

/** The fields that a request of this type must have, with how help says so. */
function neededFields(type: SourceType): ReadonlyMap<string, string> {
  return new Map(
    describeType(type)
      .filter(({ required }) => required.startsWith('yes'))
      .map(({ field, required }) => [field, ` (${required.replace('yes', 'required')})`]),
  )
}

function optionIn(args: readonly string[], option: string): string | undefined {
  const at = args.indexOf(option)
  if (at >= 0) return args[at + 1]
  return args.find(arg => arg.startsWith(`${option}=`))?.slice(option.length + 1)
}

function camelCase(flag: string): string {
  return flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
