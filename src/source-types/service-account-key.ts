import * as z from 'zod/mini'
import { privateKeyProblem } from './check-pem.ts'
import { lineProblem, MAX_TEXT, sizeProblem } from './limits.ts'
import { zodCheck } from './zod-check.ts'

const text = z.string('is missing or not a string')

/** A Google Cloud service account key: what dsctl relies on is checked, everything else is kept as it is. */
const key = z.looseObject(
  {
    type: z.literal('service_account', 'must be "service_account"'),
    project_id: text.check(zodCheck(value => lineProblem(value, MAX_TEXT))),
    client_email: text.check(zodCheck(value => lineProblem(value, MAX_TEXT))),
    private_key: text.check(zodCheck(privateKeyProblem)),
  },
  'must be the JSON object of a service account key',
)

/** Accepts the key as its JSON text or as the object itself, and gives the object. Messages hold nothing of the key. */
export const serviceAccountKey = z.pipe(
  z.transform(parsed),
  key.check(zodCheck(value => sizeProblem(JSON.stringify(value)))),
)

function parsed(raw: unknown): unknown {
  try {
    const object: unknown = typeof raw === 'string' ? JSON.parse(raw) : raw
    // YAML's anchors can make an object that holds itself, which has no JSON.
    JSON.stringify(object)
    return object
  } catch {
    return undefined
  }
}
