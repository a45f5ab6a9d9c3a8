import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { type DsctlError, invalid } from '../domain/errors.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'
import { vaultVariable } from './vault-variable.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Path of the program that keeps the Vault token, from the configuration of the OpenBao or Vault command: the file of
 * BAO_CONFIG_PATH or VAULT_CONFIG_PATH, otherwise ~/.bao, then ~/.vault. Undefined if there is none. Throws `invalid` for
 * a file that is no such configuration, because the token must not be kept elsewhere by mistake.
 */
export function findTokenHelper(env: Environment): string | undefined {
  const home = env.HOME || homedir()
  const named = vaultVariable(env, 'CONFIG_PATH')
  if (named) return readHelper(named.value.replace(/^~(?=\/|$)/, home), { isNamed: true })
  return readHelper(join(home, '.bao'), { isNamed: false }) ?? readHelper(join(home, '.vault'), { isNamed: false })
}

function readHelper(path: string, { isNamed }: { isNamed: boolean }): string | undefined {
  const text = readConfiguration(path, { isNamed })
  if (text === undefined) return undefined
  const helper = text.trimStart().startsWith('{') ? parseJson(path, text) : parseHcl(path, text)
  if (helper === undefined || helper === '') return undefined
  if (isAbsolute(helper)) return helper
  throw unusable(`The token helper in ${path} must have an absolute path.`)
}

/** Some people keep other things in a folder ~/.vault. */
function readConfiguration(path: string, { isNamed }: { isNamed: boolean }): string | undefined {
  try {
    return readRegularFile(path)
  } catch (error) {
    const code = String((error as { code?: unknown }).code)
    if (['ENOENT', 'ENOTDIR'].includes(code) || (code === 'EISDIR' && !isNamed)) return undefined
    throw unusable(`The configuration of the Vault command, ${path}, ${describeReadError(error)}.`)
  }
}

/** The only setting of the file. The error does not repeat the text: people confuse the file with others. */
function parseHcl(path: string, text: string): string | undefined {
  const lines = text.replace(/\/\*.*?\*\//gs, '').split('\n')
  const settings = lines.map(line => line.trim()).filter(line => line !== '' && !/^(#|\/\/)/.test(line))
  const values = settings.map(line => SETTING.exec(line)?.[1])
  if (values.length > 1 || values.some(value => value === undefined)) throw notConfiguration(path)
  return values[0]?.replace(/\\(["\\])/g, '$1')
}

const SETTING = /^"?token_helper"?\s*=?\s*"((?:[^"\\]|\\["\\])*)"\s*(?:(?:#|\/\/).*)?$/

function parseJson(path: string, text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw notConfiguration(path)
  }
  const { token_helper: helper, ...others } = Object(value) as Record<string, unknown>
  if (Object.keys(others).length || (helper !== undefined && typeof helper !== 'string')) throw notConfiguration(path)
  return helper
}

function notConfiguration(path: string): DsctlError {
  return unusable(`${path} is not a configuration of the Vault command, such as token_helper = "/path/to/helper".`)
}

function unusable(message: string): DsctlError {
  return invalid(message, [], 'Correct the file, or set VAULT_CONFIG_PATH to another one.')
}
