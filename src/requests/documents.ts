import { extname } from 'node:path'
import { type DsctlError, type FieldProblem, invalid, safeKey } from '../domain/errors.ts'
import { findDuplicateKey } from '../lib/duplicate-keys.ts'
import { parseExactJson } from '../lib/exact-json.ts'
import { decodeText } from '../lib/files/decode-text.ts'

// A parsed document takes many times its size in memory. These limits are above any real batch.
const MAX_JSON = { mebibytes: 64, parts: 2_000_000, part: /[,[{]/g }

/** Decodes UTF-8, without a byte-order mark. Throws `invalid` for any other bytes. */
export function decode(bytes: Buffer, where: string): string {
  const decoded = decodeText(bytes)
  if ('problem' in decoded) throw unreadable(`${where} ${decoded.problem}`)
  return decoded.text
}

/**
 * Whether to parse a file as JSON, by its extension or else its first character, so that broken JSON is reported as
 * JSON.
 */
export function isJson(file: string, text: string): boolean {
  const extension = extname(file).toLowerCase()
  if (extension === '.json') return true
  return extension !== '.yaml' && extension !== '.yml' && /^\s*[{[]/.test(text)
}

/**
 * Throws `invalid`. The message never quotes a value, which may be a secret. `line`: the line number in an NDJSON file.
 */
export function parseJson(text: string, where: string, line?: number): unknown {
  checkSize(text, where, MAX_JSON)
  const value = readJson(text, where, line)
  const duplicate = findDuplicateKey(text)
  if (duplicate) {
    const at = line ?? lineAt(text, duplicate.position)
    const problem = { field: safeKey(duplicate.key), message: 'appears twice in one object' }
    throw unreadable(`${where} has a duplicate key in an object (line ${at})`, [problem])
  }
  return value
}

function readJson(text: string, where: string, line?: number): unknown {
  try {
    return parseExactJson(text)
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1]
    const at = line ?? (position === undefined ? undefined : lineAt(text, Number(position)))
    throw unreadable(`${where} is not valid JSON${at === undefined ? '' : ` (line ${at})`}`)
  }
}

/** The error for a file that cannot be read as a request. `message` must not quote the file. */
export function unreadable(message: string, problems: readonly FieldProblem[] = []): DsctlError {
  return invalid(`${message}.`, problems, 'A request is a JSON or YAML object. Run dsctl types TYPE to see its fields.')
}

/** How large a document may be. */
export interface SizeLimit {
  readonly mebibytes: number
  readonly parts: number
  /** A global pattern that matches once for each part, for example a comma. */
  readonly part: RegExp
}

/** Throws `invalid` for a document that is larger than allowed. */
export function checkSize(text: string, where: string, { mebibytes, parts, part }: SizeLimit): void {
  if (text.length > mebibytes * 1024 * 1024) {
    throw unreadable(`${where} is larger than ${mebibytes} MiB, the limit for YAML: use JSON or several files`)
  }
  // Each part has at least one character, so a text of this length cannot exceed the limit.
  if (text.length <= parts) return
  let count = 0
  while (part.test(text)) if (++count > parts) throw unreadable(`${where} has more than ${parts} values`)
}

/** The line of a position, from 1. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}
