import { Argument, type Command } from 'commander'
import type { Context } from '../context.ts'
import { invalid } from '../errors.ts'
import { didYouMean } from '../near-miss.ts'
import { offering } from '../offers.ts'
import { describeType } from '../source-types/describe.ts'
import { getSourceType, sourceTypes } from '../source-types/index.ts'

/** `dsctl types [TYPE]`. */
export function define(command: Command, context: Context): void {
  command
    .addArgument(
      offering(
        new Argument('[type]', FIELDS),
        sourceTypes.map(({ name }) => name),
      ),
    )
    .option('--schema <command>', 'the JSON Schema of what that command answers, or of: answer, error')
    .addHelpText('after', EXAMPLES)
    .action((type: string | undefined) => run(context, type))
}

const FIELDS = 'show the fields of this type; -o json gives the JSON Schema of its request'

async function run(context: Context, name: string | undefined): Promise<void> {
  const types = name === undefined ? sourceTypes : [getSourceType(name)]
  if (context.flags.schema !== undefined) return printAnswerSchema(context, types)
  if (name !== undefined) return printFields(context, getSourceType(name))
  const data = sourceTypes.map(type => ({ name: type.name, label: type.label }))
  await context.print({
    kind: 'list',
    data,
    empty: '',
    columns: [
      { title: 'TYPE', value: type => type.name },
      { title: 'LABEL', value: type => type.label },
    ],
  })
}

async function printFields(context: Context, type: (typeof sourceTypes)[number]): Promise<void> {
  const { requestSchema } = await import('../source-types/request-schema.ts')
  await context.print({
    kind: 'list',
    data: describeType(type),
    document: requestSchema(type),
    empty: '',
    blocks: true,
    columns: [
      { title: 'FIELD', value: row => row.field, fixed: true },
      { title: 'LABEL', value: row => row.label },
      { title: 'REQUIRED', value: row => row.required },
      { title: 'SECRET', value: row => (row.secret ? 'yes' : 'no'), fixed: true },
      { title: 'DEFAULT', value: row => row.default },
      { title: 'LIMITS', value: row => row.limits },
      { title: 'ALIASES', value: row => row.aliases.join(', ') },
    ],
  })
}

async function printAnswerSchema(context: Context, types: typeof sourceTypes): Promise<void> {
  const { schemaOf, WITH_SCHEMA } = await import('../answers/schemas.ts')
  const name = String(context.flags.schema)
  const schema = schemaOf(name, types)
  if (!schema) {
    const message = `must be one of ${WITH_SCHEMA.join(', ')}${didYouMean(name, WITH_SCHEMA)}`
    throw invalid('There is no such schema.', [{ field: 'schema', message }])
  }
  await context.print({ kind: 'lines', data: schema, lines: JSON.stringify(schema, null, 2).split('\n') })
}

const EXAMPLES = `
Examples:
  dsctl types
  dsctl types snowflake
  dsctl types postgres -o json > postgres.schema.json
  dsctl types --schema list -o json > list.schema.json
  dsctl types --schema "member list" -o json
`
