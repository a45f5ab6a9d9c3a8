import { safeKey } from '../domain/errors.ts'
import { ExactNumber, losesDigits } from '../lib/exact-json.ts'
import type { Document, Pair, Scalar } from '../lib/yaml.ts'
import { checkSize, lineAt, unreadable } from './documents.ts'

// A parsed document takes many times its size in memory, more than JSON. These limits are above any real batch.
const MAX_YAML = { mebibytes: 16, parts: 1_000_000, part: /[\n,[{]|[-?:] /g }

/** Returns the documents of a YAML file as plain values. Throws `invalid`. The message never quotes a value. */
export async function parseYaml(text: string, where: string): Promise<unknown[]> {
  checkSize(text, where, MAX_YAML)
  const yaml = await import('../lib/yaml.ts')
  const documents = yaml.parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    merge: false,
    // The warnings of the parser go to stderr and quote the document.
    logLevel: 'error',
  })
  const list = Array.isArray(documents) ? documents : []
  const [error] = list.flatMap(document => document.errors)
  if (error) {
    const line = error.linePos ? ` (line ${error.linePos[0].line})` : ''
    const why = error.code === 'DUPLICATE_KEY' ? duplicateKey(text, error.pos[0]) : YAML_PROBLEMS[error.code]
    throw unreadable(`${where} is not valid YAML${line}${why ? `: ${why}` : ''}`)
  }
  return list.map(document => {
    checkNodes(document, { text, where, yaml })
    try {
      return document.toJS({ maxAliasCount: 100 })
    } catch {
      throw unreadable(`${where} has too many YAML aliases`)
    }
  })
}

interface YamlText {
  readonly text: string
  /** The file, for messages. */
  readonly where: string
  readonly yaml: typeof import('../lib/yaml.ts')
}

/** Throws for values that a request cannot contain. Numbers that would lose digits become ExactNumbers. */
function checkNodes(document: Document, { text, where, yaml }: YamlText): void {
  // A request is a map, at the top level or in a list.
  const depth = yaml.isSeq(document.contents) ? 4 : 3
  yaml.visit(document, {
    Pair(_, { key }, path) {
      // A key may be a list or a map. The error for an unknown field would quote all of it. Inside a field's value, a
      // key that is a number would change: 0x10 becomes 16. A key that is a map is left to the check of the field, for
      // example in `password: {{ password }}`.
      if (!isText(key) && (path.length < depth || yaml.isScalar(key)))
        throw unreadable(`${where} has a key that is not a string`)
    },
    Scalar(_, node, path) {
      if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str')
        throw unreadable(`${where} has YAML tags, which are not supported`)
      if (typeof node.value !== 'number' || String(node.value) === node.source) return
      const { source = '' } = node
      // If the number is the value of a field, the check of the field reports it. Inside a JSON object, nothing would.
      if (path.length > depth && !losesDigits(source))
        throw unreadable(`${where} has ${numberProblem(text, node, path)}`)
      node.value = new ExactNumber(source)
    },
    Alias(_, alias) {
      if (!alias.resolve(document)) throw unreadable(`${where} has a YAML alias without an anchor`)
    },
  })
}

/** YAML has numbers that JSON does not have, such as 0x1F, 0o17 and .inf. In older YAML, 0777 is octal. */
function numberProblem(text: string, node: Scalar, path: readonly unknown[]): string {
  const key = (path.at(-1) as Partial<Pair<Scalar>> | undefined)?.key?.value
  const name = typeof key === 'string' ? ` in ${safeKey(key)}` : ''
  const line = lineAt(text, node.range?.[0] ?? 0)
  return `a number${name} (line ${line}) that programs read differently: write it in decimal, or quote it`
}

function duplicateKey(text: string, position: number): string {
  const key = /^["']?([^"':\n]*)/.exec(text.slice(position, position + 256))?.[1] ?? ''
  return `a duplicate key, ${safeKey(key)}`
}

function isText(key: unknown): boolean {
  return typeof key === 'object' && key !== null && 'value' in key && typeof key.value === 'string'
}

// The messages of the parser quote the document.
const YAML_PROBLEMS: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an invalid alias or anchor',
  BAD_DQ_ESCAPE: 'an invalid escape sequence in double quotes',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'text that must be quoted because of its first character',
  BLOCK_AS_IMPLICIT_KEY: 'an unexpected colon: check the indentation, or quote the text',
  MISSING_CHAR: 'a missing quotation mark, bracket, colon or comma',
  MULTILINE_IMPLICIT_KEY: 'a line without a colon, or an unclosed quotation mark',
  TAB_AS_INDENT: 'a tab in the indentation: use spaces',
  UNEXPECTED_TOKEN: 'unexpected text',
}
