import * as z from 'zod/mini'
import { privateKeyProblem } from './check-pem.ts'
import { lineProblem, MAX_TEXT, sizeProblem } from './limits.ts'
import { zodCheck } from './zod-check.ts'

const text = z.string('is missing or not a string')

/** Validates the properties that dsctl uses, and keeps all others. */
const key = z.looseObject(
  {
    type: z.literal('service_account', 'must be "service_account"'),
    project_id: text.check(zodCheck(value => lineProblem(value, MAX_TEXT))),
    client_email: text.check(zodCheck(value => lineProblem(value, MAX_TEXT))),
    private_key: text.check(zodCheck(privateKeyProblem)),
  },
  'must be the JSON object of a service account key',
)

/** A Google Cloud service account key, as JSON text or as the object; parses to the object. Messages hold no values. */
export const serviceAccountKey = z.pipe(
  z.transform(parse),
  key.check(zodCheck(value => sizeProblem(JSON.stringify(value)))),
)

function parse(raw: unknown): unknown {
  try {
    const object: unknown = typeof raw === 'string' ? JSON.parse(raw) : raw
    // Throws for an object that contains itself, which YAML anchors can make.
    JSON.stringify(object)
    return object
  } catch {
    return undefined
  }
}
