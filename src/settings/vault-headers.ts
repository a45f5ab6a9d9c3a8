import { safeKey } from '../domain/errors.ts'
import { invalidVariable, vaultVariable } from './vault-variable.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The headers to add to every request to Vault, from VAULT_HEADERS. Throws `invalid`, without repeating a value. */
export function vaultHeaders(env: Environment): Readonly<Record<string, string>> | undefined {
  const variable = vaultVariable(env, 'HEADERS')
  if (variable === undefined) return undefined
  const headers = parseJson(variable.value)
  if (!isObject(headers)) throw invalidVariable(variable, `must be a JSON object of strings, such as ${EXAMPLE}`)
  const reserved = Object.keys(headers).filter(name => RESERVED.test(name))
  if (reserved.length) throw invalidVariable(variable, `must not set ${reserved.map(safeKey).join(', ')}`, HINT)
  const wrong = Object.entries(headers).filter(([name, value]) => !NAME.test(name) || !isHeaderValue(value))
  if (wrong.length) {
    const names = wrong.map(([name]) => safeKey(name) || 'an empty name').join(', ')
    throw invalidVariable(variable, `must hold header names with texts of printable characters; check ${names}`)
  }
  return headers as Record<string, string>
}

const EXAMPLE = '{"X-Team": "data"}'
const HINT =
  'dsctl sets X-Vault-… itself: use VAULT_TOKEN and VAULT_NAMESPACE. For a login at a proxy in front of Vault, put it into VAULT_ADDR.'

/** Headers that dsctl or the connection sets. Proxy-Authorization would be sent to Vault instead of the proxy. */
const RESERVED =
  /^\s*(x-vault-.*|(proxy-)?authorization|host|content-length|content-type|transfer-encoding|te|trailer|(proxy-)?connection|keep-alive|upgrade|expect)\s*$/i
const NAME = /^[\w!#$%&'*+.^`|~-]+$/

/** A line break would begin another header. */
function isHeaderValue(value: unknown): boolean {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}

// The parser's error is dropped: it quotes the text.
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
