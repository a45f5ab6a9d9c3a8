import type { InputContext } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { Secret, SecretSource } from '../domain/secret.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { LOGIN_METHODS, type LoginMethod, type LoginRequest } from '../ports/logins.ts'
import { secretSourceProblem } from '../source-types/secret-source.ts'
import { fetchSecrets, sourceReaders } from './fetch-secrets.ts'

export interface LoginOptions {
  readonly method?: string
  readonly username?: string
  readonly role?: string
  readonly authMount?: string
  readonly token?: string
  readonly password?: string
  readonly secretId?: string
  readonly jwt?: string
}

type Environment = Readonly<Record<string, string | undefined>>
type NameField = 'username' | 'role' | 'role_id'
type SecretField = (typeof LOGIN_METHODS)[LoginMethod]['secretField']

const LABELS: Readonly<Record<NameField | SecretField, string>> = {
  token: 'Token',
  username: 'Username',
  password: 'Password',
  role_id: 'RoleID',
  secret_id: 'SecretID',
  role: 'Role',
  jwt: 'JWT',
}

/** The option of each field. `--role` is also the RoleID of an AppRole. */
const OPTIONS: Readonly<Record<NameField | SecretField, keyof LoginOptions>> = {
  token: 'token',
  username: 'username',
  password: 'password',
  role_id: 'role',
  secret_id: 'secretId',
  role: 'role',
  jwt: 'jwt',
}

/** The environment variables used in place of an option. */
const VARIABLES: Readonly<Partial<Record<NameField | SecretField, string>>> = {
  role_id: 'VAULT_ROLE_ID',
  secret_id: 'VAULT_SECRET_ID',
}

const KUBERNETES_JWT = '@/var/run/secrets/kubernetes.io/serviceaccount/token'

/** Reads a login from options, the environment and prompts. Throws `invalid` with everything that is missing. */
export async function readLoginRequest(context: InputContext, options: LoginOptions): Promise<LoginRequest> {
  const { env, stdin } = context.streams
  const method = readMethod(options.method)
  const { nameField: named, secretField: field } = LOGIN_METHODS[method]
  const source = given(options[OPTIONS[field]]) ?? defaultSource(method, env)
  checkSource(field, source)
  const name = named === undefined ? '' : (given(options[OPTIONS[named]]) ?? given(env[VARIABLES[named] ?? '']))
  const missing = [...(name === undefined && named ? [named] : []), ...(source === undefined ? [field] : [])]
  const isTyped = source === '-' && stdin.isTTY === true
  const prompter = missing.length || isTyped ? await context.prompter() : undefined
  if (missing.length && !prompter) throw missingError(missing)
  const mount = readMount(options.authMount, method)
  const answers = await prompter?.dialogue().run(async each => ({
    name: named && name === undefined ? await each.askText(LABELS[named]) : undefined,
    secret: source === undefined || isTyped ? await each.askSecret(LABELS[field]) : undefined,
  }))
  return {
    method,
    mount,
    name: name ?? answers?.name ?? '',
    secret: answers?.secret ?? (await fetchSecret(context, field, source ?? '')),
  }
}

function readMethod(method = 'token'): LoginMethod {
  const names = Object.keys(LOGIN_METHODS) as LoginMethod[]
  const found = names.find(name => name === method)
  if (found) return found
  const message = `must be one of ${names.join(', ')}${didYouMean(method, names)}`
  throw invalid('Invalid command line.', [{ field: 'method', message }])
}

function defaultSource(method: LoginMethod, env: Environment): string | undefined {
  const variable = VARIABLES[LOGIN_METHODS[method].secretField]
  if (variable && env[variable]) return `env:${variable}`
  return method === 'kubernetes' ? KUBERNETES_JWT : undefined
}

function checkSource(field: SecretField, source: string | undefined): void {
  const message = source === undefined ? undefined : secretSourceProblem(source, 'flag')
  if (message) throw invalid('Invalid command line.', [{ field: optionName(field), message }])
}

function missingError(missing: readonly (NameField | SecretField)[]): Error {
  const problems: FieldProblem[] = missing.map(field => {
    const isName = field === 'username' || field === 'role' || field === 'role_id'
    const variable = VARIABLES[field]
    const option = `--${optionName(field)} ${isName ? field.toUpperCase() : 'SOURCE'}`
    return { field: optionName(field), message: `is required: ${option}${variable ? `, or ${variable}` : ''}` }
  })
  return invalid('Cannot log in.', problems)
}

function readMount(given: string | undefined, method: LoginMethod): string {
  const mount = (given || method).replace(/^(\/?auth)?\/+|\/+$/g, '')
  if (/^[\w.-]+(\/[\w.-]+)*$/.test(mount) && !mount.split('/').includes('..')) return mount
  throw invalid('Invalid command line.', [{ field: 'auth-mount', message: 'must be a path under auth/' }])
}

async function fetchSecret(context: InputContext, field: SecretField, text: string): Promise<Secret<string>> {
  const { fields, problems } = await fetchSecrets({ [field]: new SecretSource(text, 'flag') }, sourceReaders(context))
  const value = fields[field]
  const secret = value instanceof Secret ? String(value.reveal()) : ''
  const message = problems[0]?.message ?? secretProblem(secret)
  if (message) throw invalid('Cannot log in.', [{ field: optionName(field), message }])
  return new Secret(secret)
}

function secretProblem(secret: string): string | undefined {
  if (secret === '') return 'is empty'
  return /[\r\n\0]/.test(secret) ? 'must be a single line' : undefined
}

function optionName(field: NameField | SecretField): string {
  return OPTIONS[field].replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** An empty option or variable counts as not given. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
