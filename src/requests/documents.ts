import { extname } from 'node:path'
import { type DsctlError, invalid } from '../domain/errors.ts'
import { decodeText } from '../lib/files/decode-text.ts'
import { findDuplicateKey } from './duplicate-keys.ts'

// A parsed document takes many times its size in memory, especially in YAML. These limits are above any real batch.
const MAX_JSON = { mebibytes: 64, parts: 2_000_000 }
const MAX_YAML = { mebibytes: 16, parts: 1_000_000 }

/** Decodes UTF-8, without a byte-order mark. Throws `invalid` for any other bytes. */
export function decode(bytes: Buffer, where: string): string {
  const decoded = decodeText(bytes)
  if ('problem' in decoded) throw unreadable(`${where} ${decoded.problem}`)
  return decoded.text
}

/** Whether to parse a file as JSON, by its extension or its first character. Broken JSON is reported as JSON then. */
export function isJson(file: string, text: string): boolean {
  const extension = extname(file).toLowerCase()
  if (extension === '.json') return true
  return extension !== '.yaml' && extension !== '.yml' && /^\s*[{[]/.test(text)
}

/** Throws `invalid`, quoting nothing, since the text may hold secrets. `line` is its line in an NDJSON file. */
export function parseJson(text: string, where: string, line?: number): unknown {
  checkSize(text, where, { ...MAX_JSON, part: /[,[{]/g })
  const value = readJson(text, where, line)
  const duplicate = findDuplicateKey(text)
  if (duplicate >= 0) {
    throw unreadable(`${where} has a duplicate key in an object (line ${line ?? lineAt(text, duplicate)})`)
  }
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

/** The documents of a YAML file, as plain values. Throws `invalid`, quoting nothing. */
export async function parseYaml(text: string, where: string): Promise<unknown[]> {
  checkSize(text, where, { ...MAX_YAML, part: /[\n,[{]|[-?:] /g })
  const { isSeq, parseAllDocuments, visit } = await import('../lib/yaml.ts')
  // The warnings of the parser go to stderr and quote the document.
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
    // A request is a map, at the top level or in a list.
    const depth = isSeq(document.contents) ? 3 : 2
    visit(document, {
      Pair(_, { key }, path) {
        // A key that is not text would be quoted as an unknown field, with everything in it.
        if (path.length === depth && !isText(key)) throw unreadable(`${where} has a key that is not text`)
      },
      Scalar(_, { tag }) {
        if (tag !== undefined && tag !== 'tag:yaml.org,2002:str')
          throw unreadable(`${where} has YAML tags, which are not supported`)
      },
      Alias(_, alias) {
        if (!alias.resolve(document)) throw unreadable(`${where} has a YAML alias without an anchor`)
      },
    })
    try {
      return document.toJS({ maxAliasCount: 100 })
    } catch {
      throw unreadable(`${where} has too many YAML aliases`)
    }
  })
}

// The messages of the parser quote the document.
const YAML_PROBLEMS: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an invalid alias or anchor',
  BAD_DQ_ESCAPE: 'an invalid escape sequence in double quotes',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'text that must be quoted because of its first character',
  BLOCK_AS_IMPLICIT_KEY: 'an unexpected colon: check the indentation, or quote the text',
  DUPLICATE_KEY: 'a duplicate key',
  MISSING_CHAR: 'a missing quotation mark, bracket, colon or comma',
  MULTILINE_IMPLICIT_KEY: 'a line without a colon, or an unclosed quotation mark',
  TAB_AS_INDENT: 'a tab in the indentation: use spaces',
  UNEXPECTED_TOKEN: 'unexpected text',
}

/** The error of a file that cannot be read as a request. The message must quote nothing of the file. */
export function unreadable(message: string): DsctlError {
  return invalid(`${message}.`, [], 'A request is a JSON or YAML object. Run dsctl types TYPE to see its fields.')
}

interface SizeLimit {
  readonly mebibytes: number
  readonly parts: number
  /** Matches the beginning of each part, for example a comma. Global. */
  readonly part: RegExp
}

function checkSize(text: string, where: string, { mebibytes, parts, part }: SizeLimit): void {
  if (text.length > mebibytes * 1024 * 1024) {
    throw unreadable(`${where} is larger than ${mebibytes} MiB, the limit for YAML: use JSON or several files`)
  }
  // A shorter text cannot have more parts.
  if (text.length <= parts) return
  let count = 0
  while (part.test(text)) if (++count > parts) throw unreadable(`${where} has more than ${parts} values`)
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

function isText(key: unknown): boolean {
  return typeof key === 'object' && key !== null && 'value' in key && typeof key.value === 'string'
}
