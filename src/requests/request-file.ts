import { type FieldProblem, invalid } from '../domain/errors.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readStable } from '../lib/files/read-at-most.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { decode, isJson, parseJson, unreadable } from './documents.ts'
import { parseYaml } from './yaml-documents.ts'

/** One request as a file holds it: an object whose keys are not validated yet. */
export type RawRequest = Readonly<Record<string, unknown>>

/**
 * The problem with a file that is an output of `get`, not a request; otherwise undefined. Only `update` accepts such a
 * file.
 */
export function outputProblem({ type, db_type, credentials }: RawRequest): FieldProblem | undefined {
  if (type !== undefined || db_type === undefined || credentials === undefined) return undefined
  return {
    field: 'type',
    message: 'is required: the file is an output of dsctl get, not a request. Run dsctl export to write requests',
  }
}

/**
 * Reads one JSON or YAML request from a file, or from standard input for `-`. Throws `invalid`. The message never
 * quotes the file, which may hold secrets.
 */
export async function readRequestFile(file: string, readStdin: () => Promise<Buffer>): Promise<RawRequest> {
  const bytes = file === '-' ? await readStdin() : await readBytes(file)
  const where = file === '-' ? 'Standard input' : file
  if (bytes.length > MAX_REQUEST_BYTES) throw unreadable(`${where} is larger than 1 MiB`)
  const text = decode(bytes, where)
  if (text.trim() === '') throw unreadable(`${where} is empty`)
  const documents = isJson(file, text) ? [parseJson(text, where)] : await parseYaml(text, where)
  const requests = documents.filter(document => document !== null).flat()
  if (requests.length > 1) throw severalRequests(where, requests.length)
  const [document] = documents.length > 1 ? requests : documents
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) return { ...document }
  throw unreadable(`${where} does not contain an object`)
}

function severalRequests(where: string, count: number) {
  return invalid(
    `${where} contains ${count} requests, but this command takes one.`,
    [],
    'Use dsctl apply -f for several.',
  )
}

async function readBytes(file: string): Promise<Buffer> {
  const bytes = await readStable(file, MAX_REQUEST_BYTES).catch(error => {
    throw invalid(`${file} ${describeReadError(error)}.`, [], 'Pass -f a file with a request, or - for standard input.')
  })
  if (bytes) return bytes
  throw unreadable(`${file} changed while it was read`)
}
