import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { invalid } from '../domain/errors.ts'
import { withoutByteOrderMark } from '../lib/files/decode-text.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readStable } from '../lib/files/read-at-most.ts'
import { decode, isJson, parseJson, unreadable } from './documents.ts'
import type { RawRequest } from './request-file.ts'
import { parseYaml } from './yaml-documents.ts'

/** One request of a batch. `where` is for messages: the file, and the number of the request if there are several. */
export interface BatchDocument {
  readonly file: string
  readonly where: string
  readonly raw: RawRequest
}

/** The extensions of the files that are read from a folder. */
const EXTENSIONS: readonly string[] = ['.json', '.yaml', '.yml']

const MEBIBYTE = 1024 * 1024
// The whole batch is in memory while it is validated.
export const MAX_BYTES = 64 * MEBIBYTE
export const MAX_REQUESTS = 20_000

/**
 * Reads the requests in files. A file holds one request, an array, NDJSON or several YAML documents. In a folder, reads
 * the *.json, *.yaml and *.yml files, except hidden ones, in the order of their names. `-` is standard input. Throws
 * `invalid`, also for a folder without such files. The message never quotes the content of a file.
 */
export async function readBatchFiles(
  paths: readonly string[],
  readStdin: () => Promise<Buffer>,
): Promise<readonly BatchDocument[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat()
  const documents: BatchDocument[] = []
  let bytes = 0
  for (const file of files) {
    const where = file === '-' ? 'Standard input' : file
    const content = file === '-' ? await readStdin() : await readFile(file, MAX_BYTES - bytes)
    bytes += content.length
    if (bytes > MAX_BYTES) throw unreadable(`The batch is larger than ${MAX_BYTES / MEBIBYTE} MiB`)
    const requests = await requestsIn(decode(content, where), file, where)
    if (documents.length + requests.length > MAX_REQUESTS) {
      throw unreadable(`The batch has more than ${MAX_REQUESTS} requests`)
    }
    documents.push(...requests.map((raw, at) => numbered(raw, { file, where, at, of: requests.length })))
  }
  return documents
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (path === '-') return [path]
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = await readdir(path)
    // Hidden files belong to other programs: ._a.yaml of macOS, .gitlab-ci.yml.
    const visible = names.filter(name => !name.startsWith('.'))
    const requests = visible.filter(name => EXTENSIONS.includes(extname(name).toLowerCase())).sort()
    if (requests.length) return requests.map(name => join(path, name))
  } catch (error) {
    throw cannotRead(path, error)
  }
  // Otherwise a mistyped folder would look like success.
  throw invalid(`${path} contains no ${EXTENSIONS.join(', ')} file.`)
}

async function readFile(file: string, most: number): Promise<Buffer> {
  const content = await readStable(file, most).catch(error => {
    throw cannotRead(file, error)
  })
  if (content) return content
  throw unreadable(`${file} changed while it was read`)
}

async function requestsIn(text: string, file: string, where: string): Promise<readonly unknown[]> {
  if (text.trim() === '') throw unreadable(`${where} is empty`)
  if (/^\s*-----BEGIN /.test(text)) throw unreadable(`${where} is not a request, but a key or a certificate`)
  const isLines = ['.ndjson', '.jsonl'].includes(extname(file).toLowerCase())
  if (isLines || (isJson(file, text) && startsWithOneLineObject(text))) return lines(text, where)
  const documents = isJson(file, text) ? [parseJson(text, where)] : await parseYaml(text, where)
  // An empty YAML document is not a request.
  return documents.filter(document => document !== null).flat()
}

/** Whether the first of several lines is an object by itself, as in NDJSON. */
function startsWithOneLineObject(text: string): boolean {
  const [first = '', ...rest] = text.trim().split('\n')
  if (rest.length === 0 || !/^\{.*\}\s*$/.test(first)) return false
  try {
    return JSON.parse(first) !== undefined
  } catch {
    return false
  }
}

function lines(text: string, where: string): readonly unknown[] {
  return (
    text
      .split('\n')
      .map((line, at) => ({ line, at }))
      .filter(({ line }) => line.trim() !== '')
      // In concatenated files, each part may start with a byte-order mark.
      .map(({ line, at }) => parseJson(withoutByteOrderMark(line), where, at + 1))
  )
}

function numbered(raw: unknown, { file, where, at, of }: { file: string; where: string; at: number; of: number }) {
  const place = of === 1 ? where : `${where}, request ${at + 1}`
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw unreadable(`${place} is not an object`)
  return { file, where: place, raw: { ...raw } }
}

function cannotRead(file: string, error: unknown) {
  return invalid(`${file} ${describeReadError(error)}.`, [], 'Pass -f files, folders, or - for standard input.')
}
