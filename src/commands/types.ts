import { Argument, type Command } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { invalid } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { getSourceType, sourceTypes } from '../source-types/index.ts'
import type { SourceType } from '../source-types/source-type.ts'
import type { LinesView } from '../terminal/view.ts'
import { typeFieldsView, typesView } from '../views/types.ts'

interface Options {
  readonly schema?: string
}

/** `dsctl types [TYPE]`. */
export function define(command: Command, context: Context): void {
  command
    .addArgument(
      withCompletion(
        new Argument('[type]', FIELDS),
        sourceTypes.map(({ name }) => name),
      ),
    )
    .option('--schema <command>', 'print the JSON Schema of the output of a command, or of: answer, error')
    .addHelpText('after', EXAMPLES)
    .action((type: string | undefined, options: Options) => run(context, type, options))
}

const FIELDS = 'show the fields of this type; with -o json, the JSON Schema of a request'

async function run(context: Context, name: string | undefined, { schema }: Options): Promise<void> {
  const listsTypes = name === undefined && schema === undefined
  const format = listsTypes ? formatWithout(context, 'id') : formatWithout(context, 'name', 'id')
  const types = name === undefined ? sourceTypes : [getSourceType(name)]
  if (schema !== undefined) return context.print(await outputSchemaView(schema, types), format)
  if (name === undefined) return context.print(typesView(types), format)
  const { requestSchema } = await import('../source-types/request-schema.ts')
  const type = getSourceType(name)
  await context.print(typeFieldsView(type, requestSchema(type)), format)
}

async function outputSchemaView(name: string, types: readonly SourceType[]): Promise<LinesView> {
  const { findOutputSchema, COMMANDS_WITH_SCHEMA } = await import('../views/schemas.ts')
  const schema = findOutputSchema(name, types)
  if (schema) return { kind: 'lines', data: schema, lines: JSON.stringify(schema, null, 2).split('\n') }
  const message = `must be one of ${COMMANDS_WITH_SCHEMA.join(', ')}${didYouMean(name, COMMANDS_WITH_SCHEMA)}`
  throw invalid('Invalid command line.', [{ field: 'schema', message }])
}

const EXAMPLES = `
Examples:
  dsctl types
  dsctl types snowflake
  dsctl types postgres -o json > postgres.schema.json
  dsctl types --schema list -o json > list.schema.json
  dsctl types --schema "member list" -o json
`
