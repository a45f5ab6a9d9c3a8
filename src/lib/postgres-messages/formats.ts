import { UnsupportedLogin } from './invalid-message.ts'
import type { MessageReader } from './message-reader.ts'

/**
 * Functions that read each kind of message to its end. For rows and their descriptions, they return the number of
 * columns. Source: PostgreSQL documentation, "Message Formats".
 */
export const FORMATS: Readonly<Record<string, (body: MessageReader) => number | undefined>> = {
  '1': body => body.end(),
  '2': body => body.end(),
  '3': body => body.end(),
  A: body => body.skip(4).string().string().end(),
  C: body => body.string().end(),
  D: body => body.list(() => body.value()),
  E: body => body.fields(),
  I: body => body.end(),
  K: body => body.skip(8).end(),
  N: body => body.fields(),
  R: readAuthentication,
  S: body => body.string().string().end(),
  T: body => body.list(() => body.string().skip(18)),
  Z: body => body.skip(1).end(),
  n: body => body.end(),
  s: body => body.end(),
  t: body => body.list(() => body.skip(4)),
}

const OK = 0
const CLEARTEXT_PASSWORD = 3
const MD5_PASSWORD = 5
const GSS = 7
const GSS_CONTINUE = 8
const SSPI = 9
const SASL = 10
const SASL_CONTINUE = 11
const SASL_FINAL = 12

function readAuthentication(body: MessageReader): undefined {
  const method = body.int32()
  if (method === SASL) return body.strings()
  if (method === MD5_PASSWORD) return body.skip(4).end()
  if (method === OK || method === CLEARTEXT_PASSWORD) return body.end()
  if (method === SASL_CONTINUE || method === SASL_FINAL) return undefined
  throw new UnsupportedLogin(method === GSS || method === GSS_CONTINUE ? 'gss' : method === SSPI ? 'sspi' : 'other')
}
