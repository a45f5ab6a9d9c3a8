import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { invalid } from '../domain/errors.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readStable } from '../lib/files/read-at-most.ts'
import { decode, isJson, parseJson, parseYaml, unreadable } from './documents.ts'
import type { RawRequest } from './request-file.ts'

/** One request of a batch; `where` says which it is, for messages: a file, and its number there if it has several. */
export interface BatchDocument {
  readonly file: string
  readonly where: string
  readonly raw: RawRequest
}

/** Of the files that are taken from a folder. */
const EXTENSIONS: readonly string[] = ['.json', '.yaml', '.yml']

const MEBIBYTE = 1024 * 1024
/** A batch is held in memory while it is judged as a whole. */
export const MOST_BYTES = 64 * MEBIBYTE
export const MOST_REQUESTS = 20_000

/**
 * The requests in files: one, an array, NDJSON or several YAML documents in each; of a folder its *.json, *.yaml and
 * *.yml, of which it must have some, in the order of their names; `-` is standard input. Throws `invalid`, quoting
 * nothing.
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
    const content = file === '-' ? await readStdin() : await readFile(file, MOST_BYTES - bytes)
    bytes += content.length
    if (bytes > MOST_BYTES) throw unreadable(`The batch is larger than ${MOST_BYTES / MEBIBYTE} MiB`)
    const requests = await requestsIn(decode(content, where), file, where)
    if (documents.length + requests.length > MOST_REQUESTS) {
      throw unreadable(`The batch has more than ${MOST_REQUESTS} requests`)
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
    const requests = names.filter(name => EXTENSIONS.includes(extname(name).toLowerCase())).sort()
    if (requests.length) return requests.map(name => join(path, name))
  } catch (error) {
    throw cannotRead(path, error)
  }
  // Of a mistyped folder, a pipeline would say that all is well.
  throw invalid(`${path} has no file in it that ends in ${EXTENSIONS.join(', ')}.`)
}

async function readFile(file: string, most: number): Promise<Buffer> {
  const content = await readStable(file, most).catch(error => {
    throw cannotRead(file, error)
  })
  if (content) return content
  throw unreadable(`${file} has changed while it was read`)
}

async function requestsIn(text: string, file: string, where: string): Promise<readonly unknown[]> {
  if (text.trim() === '') throw unreadable(`${where} is empty`)
  const isLines = ['.ndjson', '.jsonl'].includes(extname(file).toLowerCase())
  if (isLines || (isJson(file, text) && startsWithOneLineObject(text))) return lines(text, where)
  const documents = isJson(file, text) ? [parseJson(text, where)] : await parseYaml(text, where)
  // What stands between two lines of dashes and is nothing is no request.
  return documents.filter(document => document !== null).flat()
}

/** Whether the first line is an object by itself and another follows: NDJSON, whatever the file is called. */
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
  return text
    .split('\n')
    .map((line, at) => ({ line, at }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, at }) => parseJson(line, where, at + 1))
}

function numbered(raw: unknown, { file, where, at, of }: { file: string; where: string; at: number; of: number }) {
  const place = of === 1 ? where : `${where}, request ${at + 1}`
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw unreadable(`${place} is no object`)
  return { file, where: place, raw: { ...raw } }
}

function cannotRead(file: string, error: unknown) {
  return invalid(
    `${file} ${describeReadError(error)}.`,
    [],
    '-f takes files, folders of files, or - for standard input.',
  )
}
