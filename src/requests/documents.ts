import { extname } from 'node:path'
import { type DsctlError, invalid } from '../domain/errors.ts'
import { duplicateKey } from './duplicate-keys.ts'

// What a document is made of takes many times its size in memory, in YAML most of all. No batch has so much.
const MOST_JSON = { mebibytes: 64, parts: 2_000_000 }
const MOST_YAML = { mebibytes: 16, parts: 1_000_000 }

/** A text of bytes; throws `invalid` where they are no UTF-8. */
export function decode(bytes: Buffer, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable(`${where} is not UTF-8 text`)
  }
}

/** By its name, or else by how it begins: whoever pipes a broken JSON object wants to hear of JSON. */
export function isJson(file: string, text: string): boolean {
  const extension = extname(file).toLowerCase()
  if (extension === '.json') return true
  return extension !== '.yaml' && extension !== '.yml' && /^\s*[{[]/.test(text)
}

/** Throws `invalid` without quoting a word of it: it may hold secrets. `line` says which of a file it is, where it is one. */
export function parseJson(text: string, where: string, line?: number): unknown {
  checkSize(text, where, { ...MOST_JSON, part: /[,[{]/g })
  const value = readJson(text, where, line)
  const twice = duplicateKey(text)
  if (twice >= 0) throw unreadable(`${where} has a key twice in one object (line ${line ?? lineAt(text, twice)})`)
  return value
}

function readJson(text: string, where: string, line?: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1]
    const at = line ?? (position === undefined ? undefined : lineAt(text, Number(position)))
    throw unreadable(`${where} is not valid JSON${at === undefined ? '' : ` (line ${at})`}`)
  }
}

/** The documents of a YAML file, as plain values. Throws `invalid`, likewise. */
export async function parseYaml(text: string, where: string): Promise<unknown[]> {
  checkSize(text, where, { ...MOST_YAML, part: /[\n,[{]|[-?:] /g })
  const { isSeq, parseAllDocuments, visit } = await import('../lib/yaml.ts')
  // Its warnings, which go to stderr, quote the document.
  const quiet = { logLevel: 'error' } as const
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    merge: false,
    ...quiet,
  })
  const list = Array.isArray(documents) ? documents : []
  const [error] = list.flatMap(document => document.errors)
  if (error) {
    const line = error.linePos ? ` (line ${error.linePos[0].line})` : ''
    const why = YAML_PROBLEMS[error.code]
    throw unreadable(`${where} is not valid YAML${line}${why ? `: ${why}` : ''}`)
  }
  return list.map(document => {
    // A field stands in the one map of a request, which may stand in a list.
    const depth = isSeq(document.contents) ? 3 : 2
    visit(document, {
      Pair(_, { key }, path) {
        // A field's name that is no text would be told as an unknown one, with all that stands in it.
        if (path.length === depth && !isText(key)) throw unreadable(`${where} has a key that is no text`)
      },
      Scalar(_, { tag }) {
        if (tag !== undefined && tag !== 'tag:yaml.org,2002:str') throw unreadable(`${where} has YAML tags`)
      },
      Alias(_, alias) {
        if (!alias.resolve(document)) throw unreadable(`${where} has a YAML alias without its anchor`)
      },
    })
    try {
      return document.toJS({ maxAliasCount: 100 })
    } catch {
      throw unreadable(`${where} has more YAML aliases than a request needs`)
    }
  })
}

// The parser's own messages quote the document.
const YAML_PROBLEMS: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias or an anchor that is none',
  BAD_DQ_ESCAPE: 'a backslash in double quotes that begins no escape',
  BAD_INDENT: 'it is not indented as it must be',
  BAD_SCALAR_START: 'a text that begins with a sign for which it has to be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'a colon too many, where the line is indented wrongly or a text should be quoted',
  DUPLICATE_KEY: 'a key stands twice',
  MISSING_CHAR: 'a quotation mark, a bracket, a colon or a comma is missing',
  MULTILINE_IMPLICIT_KEY: 'a line without a colon, or with a quotation mark that is not closed',
  TAB_AS_INDENT: 'a tab where spaces have to be',
  UNEXPECTED_TOKEN: 'something stands where it cannot',
}

/** What cannot be read as a request, in words that quote nothing of it. */
export function unreadable(message: string): DsctlError {
  return invalid(`${message}.`, [], 'A request is one JSON or YAML object: see dsctl types TYPE for its fields.')
}

interface Most {
  readonly mebibytes: number
  readonly parts: number
  /** What begins a part, for instance a comma; global. */
  readonly part: RegExp
}

function checkSize(text: string, where: string, { mebibytes, parts, part }: Most): void {
  if (text.length > mebibytes * 1024 * 1024) {
    throw unreadable(`${where} is larger than the ${mebibytes} MiB that YAML may have: write it as JSON, or in several`)
  }
  // Fewer bytes cannot have so many.
  if (text.length <= parts) return
  let count = 0
  while (part.test(text)) if (++count > parts) throw unreadable(`${where} has more parts than a batch can have`)
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

function isText(key: unknown): boolean {
  return typeof key === 'object' && key !== null && 'value' in key && typeof key.value === 'string'
}
