import { isUuid } from '../lib/uuid.ts'
import { hasUnprintable, toPrintableDocument } from './printable.ts'

/** A value as a JSON document that ends in a newline, with unprintable characters escaped. */
export function formatJson(value: unknown): string {
  return `${toPrintableDocument(JSON.stringify(value, null, 2))}\n`
}

/** A value as a YAML document that ends in a newline, with unprintable characters escaped. */
export async function formatYaml(value: unknown): Promise<string> {
  const { Document, visit } = await import('../lib/yaml.ts')
  // Converted to JSON first, so that both formats have the same content. This calls toJSON, for example of sealed
  // secrets.
  const document = new Document(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false })
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && needsQuotes(scalar.value)) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  const text = document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
  return toPrintableDocument(text, 'yaml')
}

// The library quotes strings that YAML 1.2 would read as another type. Parsers of YAML 1.1, such as PyYAML, Ruby and
// older Go packages, also read other strings as booleans, numbers in other bases, times (12:30:45), dates, symbols
// (:name) or merges.
const WORDS = /^(y|yes|n|no|on|off|true|false|null|nan|inf|infinity|~|=|<<)$/i
const LIKE_A_NUMBER = /^[-+.,:]*\d|^[-+.,:]/

function needsQuotes(text: string): boolean {
  return hasUnprintable(text) || WORDS.test(text) || (LIKE_A_NUMBER.test(text) && !isUuid(text))
}
