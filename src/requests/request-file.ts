import { type FieldProblem, invalid } from '../domain/errors.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readStable } from '../lib/files/read-at-most.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { decode, isJson, parseJson, unreadable } from './documents.ts'
import { parseYaml } from './yaml-documents.ts'

/** One request as a file holds it: an object whose keys are not validated yet. */
export type RawRequest = Readonly<Record<string, unknown>>

/** What to do if a file is the output of a command instead of a request. */
export const OUTPUT_HINT =
  'To change a data source, run dsctl update REF -f FILE with an output of get.\n' +
  'To create others, run dsctl export: it writes requests, with --to-env with variables for the secrets.'

/** The problem of a request that is an output of `get` or `list` instead. Only an update accepts one, of `get`. */
export function outputProblem({ type, db_type, credentials, ...rest }: RawRequest): FieldProblem | undefined {
  const isOfGet = type === undefined && db_type !== undefined && credentials !== undefined
  if (isOfGet) return notRequest('db_type', 'an output of dsctl get, whose secrets are [REDACTED]')
  const isOfList = ['id', 'updated_at', 'onboarding_status'].every(key => rest[key] !== undefined)
  return isOfList ? notRequest('id', 'an output of dsctl list, which has no credentials') : undefined
}

function notRequest(field: string, what: string): FieldProblem {
  return { field, message: `this is not a request, but ${what}` }
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
