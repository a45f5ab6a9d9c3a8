import { sourceTypes } from '../../../src/source-types/index.ts'
import type { JsonSchema } from '../../../src/source-types/request-schema.ts'
import { COMMANDS_WITH_SCHEMA, findOutputSchema } from '../../../src/views/schemas.ts'

/** docs/reference/schemas.md, made from the JSON Schemas that `dsctl types --schema` prints. */
export function schemasPage(): string {
  return `# JSON output

With \`-o json\` a command prints one JSON document on standard output, and with \`-o yaml\` the same document as YAML. These are
their shapes, in a short notation: \`?\` marks a key that may be missing, \`uuid\` and \`date-time\` are strings.
\`dsctl types --schema NAME -o json\` prints the full JSON Schema of each; NAME is the name in the heading, without \`dsctl\`.
Later versions may add keys.

The keys of \`credentials\` are the fields of the [type](types.md); a secret is always \`[REDACTED]\`. \`dsctl update -f\` accepts
the output of \`get\`, edited.
${sections().join('')}`
}

function sections(): readonly string[] {
  return [...namesByShape()].map(([shape, names]) => {
    const headings = names.map(name =>
      name === 'answer' ? 'A data source' : name === 'error' ? 'Errors and messages' : `dsctl ${name}`,
    )
    return `\n## ${headings.join(', ')}\n\n\`\`\`text\n${shape}\n\`\`\`\n`
  })
}

/** Each shape once, with the commands that print it. */
function namesByShape(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const name of COMMANDS_WITH_SCHEMA) {
    const shape = SHORTENED[name] ?? describe(findOutputSchema(name, sourceTypes) ?? {}, '')
    found.set(shape, [...(found.get(shape) ?? []), name])
  }
  return found
}

/** Shapes that repeat others. */
const SHORTENED: Readonly<Record<string, string>> = {
  get: 'a data source; with several REFs, an array of data sources',
  export: 'an array of requests, each with name, env, type and the fields of its type',
}

function describe(schema: JsonSchema, indent: string): string {
  const {
    type,
    properties,
    items,
    anyOf,
    enum: values,
    const: value,
    format,
  } = schema as {
    type?: string | readonly string[]
    properties?: Readonly<Record<string, JsonSchema>>
    items?: JsonSchema
    anyOf?: readonly JsonSchema[]
    enum?: readonly string[]
    const?: string
    format?: string
  }
  if (anyOf) return anyOf.map(each => describe(each, indent)).join(' | ')
  if (value !== undefined) return JSON.stringify(value)
  if (values) return values.map(each => JSON.stringify(each)).join(' | ')
  const names = [type ?? 'any'].flat().map(name => {
    if (name === 'object' && properties) return describeObject(schema, properties, indent)
    if (name === 'array' && items) return `[${describe(items, indent)}]`
    return name === 'string' ? (format ?? name) : name
  })
  return names.join(' | ')
}

function describeObject(schema: JsonSchema, properties: Readonly<Record<string, JsonSchema>>, indent: string): string {
  const required = (schema.required ?? []) as readonly string[]
  const lines = Object.entries(properties).map(
    ([name, each]) => `${indent}  ${name}${required.includes(name) ? '' : '?'}: ${describe(each, `${indent}  `)}`,
  )
  return `{\n${lines.join('\n')}\n${indent}}`
}
