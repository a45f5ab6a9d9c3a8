import { dirname, resolve } from 'node:path'
import type { FieldProblem } from '../domain/errors.ts'
import { findField } from '../source-types/field-names.ts'
import { sourceTypes } from '../source-types/index.ts'
import { parseSecretSource } from '../source-types/secret-source.ts'
import type { BatchDocument } from './batch-files.ts'

/** The hint for a file that is not a request. */
export const NOT_A_REQUEST_HINT = 'Move the file elsewhere, or pass the request files themselves with -f.'

/** Finds documents of a batch that are not requests but, for example, a key that a request of the batch refers to. */
export function findNonRequests(documents: readonly BatchDocument[]): ReadonlyMap<BatchDocument, FieldProblem> {
  const suspects = documents.filter(({ raw }) => raw.name === undefined || raw.type === 'service_account')
  if (suspects.length === 0) return new Map()
  const references = new Map(documents.flatMap(referencesOf))
  return new Map(
    suspects.flatMap(document => {
      const message = nonRequestMessage(document, references.get(resolve(document.file)))
      return message === undefined ? [] : [[document, { field: document.where, message }] as const]
    }),
  )
}

function nonRequestMessage({ raw, file }: BatchDocument, reference: Reference | undefined): string | undefined {
  if (reference && file !== '-')
    return `is not a request: ${reference.where} reads its ${reference.field} from this file`
  if (raw.type === 'service_account') return 'is not a request, but a service account key'
  const isKnown = (key: string) => IDENTITY.includes(key) || sourceTypes.some(type => findField(type, key))
  return Object.keys(raw).some(isKnown) ? undefined : `is not a request: it has none of the keys name, env and type`
}

const IDENTITY: readonly string[] = ['name', 'env', 'type', 'template', 'db_type']

interface Reference {
  readonly where: string
  readonly field: string
}

/** The files that a request refers to, by their paths. */
function referencesOf({ file, where, raw }: BatchDocument): [string, Reference][] {
  return Object.entries(raw).flatMap(([field, value]): [string, Reference][] => {
    const from = typeof value === 'object' && value !== null && 'from' in value ? value.from : undefined
    const source = typeof from === 'string' ? parseSecretSource(from) : undefined
    return source?.kind === 'file' ? [[resolve(dirname(file), source.path), { where, field }]] : []
  })
}
