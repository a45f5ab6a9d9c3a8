import { hasUnprintable, toPrintableDocument } from './printable.ts'

/** A value as a JSON document that ends in a newline, with unprintable characters escaped. */
export function formatJson(value: unknown): string {
  return `${toPrintableDocument(JSON.stringify(value, null, 2))}\n`
}

/** A value as a YAML document that ends in a newline, with unprintable characters escaped. */
export async function formatYaml(value: unknown): Promise<string> {
  const { Document, visit } = await import('../lib/yaml.ts')
  // Converted to JSON first, so that both formats contain the same: toJSON is applied, for example to sealed secrets.
  const document = new Document(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false })
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && hasUnprintable(scalar.value)) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  const text = document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
  return toPrintableDocument(text, 'yaml')
}
