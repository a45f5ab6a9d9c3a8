import type { Context, Flags } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { isMask, Secret, SecretSource } from '../domain/secret.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { LOGIN_METHODS, type LoginMethod, type LoginRequest } from '../ports/logins.ts'
import { secretSourceProblem } from '../source-types/secret-source.ts'
import { fetchSecrets, sourceReaders } from './fetch-secrets.ts'

const LABELS = {
  ...{ token: 'Token', username: 'Username', password: 'Password', role_id: 'RoleID', secret_id: 'SecretID' },
  ...{ role: 'Role', jwt: 'JWT' },
} as const

/** What stands where no flag does. */
const ELSEWHERE: Readonly<Record<string, { readonly env?: string; readonly file?: string }>> = {
  role_id: { env: 'VAULT_ROLE_ID' },
  secret_id: { env: 'VAULT_SECRET_ID' },
  kubernetes: { file: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
}

/** A login from flags, environment and, at a terminal, questions. Throws `invalid`, naming all that is missing. */
export async function loginRequest(context: Context): Promise<LoginRequest> {
  const { flags, streams } = context
  const method = methodOf(flags)
  const { nameField: named, secretField: proof } = LOGIN_METHODS[method]
  const source = text(flags[camel(proof)]) ?? sourceElsewhere(method, streams.env)
  const problem = source === undefined ? undefined : secretSourceProblem(source, 'flag')
  if (problem) throw invalid('The command line cannot be used like this.', [{ field: flagOf(proof), message: problem }])
  let name = named === undefined ? '' : nameOf(named, context)
  const missing = [...(name === undefined ? [named ?? ''] : []), ...(source === undefined ? [proof] : [])]
  const typed = source === '-' && streams.stdin.isTTY === true
  const prompter = missing.length || typed ? await context.prompter() : undefined
  if (missing.length && !prompter) throw tooLittle(missing)
  if (named !== undefined) name ??= await prompter?.askText(LABELS[named])
  const asked = source === undefined || typed ? await prompter?.askSecret(LABELS[proof]) : undefined
  const secret = asked ?? (await fetched(context, proof, source ?? ''))
  return { method, mount: mountOf(flags, method), name: name ?? '', secret }
}

function methodOf({ method = 'token' }: Flags): LoginMethod {
  const names = Object.keys(LOGIN_METHODS) as LoginMethod[]
  const found = names.find(name => name === method)
  if (found) return found
  throw invalid('There is no such method.', [
    { field: 'method', message: `must be one of ${names.join(', ')}${didYouMean(String(method), names)}` },
  ])
}

function mountOf({ authMount }: Flags, method: LoginMethod): string {
  const mount = (text(authMount) ?? method).replace(/^(\/?auth)?\/+|\/+$/g, '')
  if (/^[\w.-]+(\/[\w.-]+)*$/.test(mount) && !mount.split('/').includes('..')) return mount
  throw invalid('There is no such mount.', [{ field: 'auth-mount', message: 'must be a path under auth/' }])
}

// An AppRole's name for itself is its RoleID, which --role gives like any other role.
function nameOf(named: 'username' | 'role' | 'role_id', { flags, streams }: Context): string | undefined {
  const variable = ELSEWHERE[named]?.env
  return text(named === 'username' ? flags.username : flags.role) ?? (variable && text(streams.env[variable]))
}

function sourceElsewhere(method: LoginMethod, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { env: variable } = ELSEWHERE[LOGIN_METHODS[method].secretField] ?? {}
  if (variable && env[variable]) return `env:${variable}`
  const file = ELSEWHERE[method]?.file
  return file && `@${file}`
}

async function fetched(context: Context, proof: string, text: string): Promise<Secret<string>> {
  const source = { [proof]: new SecretSource(text, 'flag') }
  const { fields, problems } = await fetchSecrets(source, sourceReaders(context, undefined))
  const value = fields[proof]
  const plain = value instanceof Secret ? String(value.reveal()) : ''
  const wrong = problems[0]?.message ?? wrongWith(plain)
  if (wrong) throw invalid('Nobody can log in like this.', [{ field: flagOf(proof), message: wrong }])
  return new Secret(plain)
}

function wrongWith(secret: string): string | undefined {
  if (secret === '') return 'is empty'
  if (isMask(secret)) return 'is a mask, not a secret'
  return /[\r\n\0]/.test(secret) ? 'must be a single line' : undefined
}

function tooLittle(missing: readonly string[]): Error {
  const problems: FieldProblem[] = missing.map(name => {
    const { env } = ELSEWHERE[name] ?? {}
    const source = ['username', 'role', 'role_id'].includes(name) ? name.toUpperCase() : 'SOURCE'
    return { field: flagOf(name), message: `is required: --${flagOf(name)} ${source}${env ? `, or ${env}` : ''}` }
  })
  return invalid('Nobody can log in like this.', problems)
}

/** The flag that gives it, without its dashes. */
function flagOf(name: string): string {
  return name === 'role_id' ? 'role' : name.replaceAll('_', '-')
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
