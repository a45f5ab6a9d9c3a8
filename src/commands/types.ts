import { Argument, type Command } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { getSourceType, sourceTypes } from '../source-types/index.ts'
import { typeFieldsView, typesView } from '../views/types.ts'

/** `dsctl types [TYPE]`. */
export function define(command: Command, context: Context): void {
  command
    .addArgument(
      withCompletion(
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
  const { schema } = context.flags
  answerHasNo(context, ...(name === undefined && schema === undefined ? (['id'] as const) : (['name', 'id'] as const)))
  const types = name === undefined ? sourceTypes : [getSourceType(name)]
  if (schema !== undefined) return printAnswerSchema(context, types)
  if (name === undefined) return context.print(typesView(types))
  const { requestSchema } = await import('../source-types/request-schema.ts')
  const type = getSourceType(name)
  await context.print(typeFieldsView(type, requestSchema(type)))
}

async function printAnswerSchema(context: Context, types: typeof sourceTypes): Promise<void> {
  const { findOutputSchema, COMMANDS_WITH_SCHEMA } = await import('../views/schemas.ts')
  const name = String(context.flags.schema)
  const schema = findOutputSchema(name, types)
  if (!schema) {
    const message = `must be one of ${COMMANDS_WITH_SCHEMA.join(', ')}${didYouMean(name, COMMANDS_WITH_SCHEMA)}`
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
