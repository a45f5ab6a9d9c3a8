import type { FieldProblem } from '../domain/errors.ts'
import { SecretSource } from '../domain/secret.ts'
import { type ParsedSecretSource, parseSecretSource, secretSourceProblem } from '../source-types/secret-source.ts'
import { fileProblem } from './file-policy.ts'
import { isAllowed, matches, type SourcePolicy } from './source-policy.ts'

type Fields = Readonly<Record<string, unknown>>

/** Whether a secret still has to be fetched. */
export function hasSources(fields: Fields): boolean {
  return Object.values(fields).some(value => value instanceof SecretSource)
}

/**
 * Whether a secret may be fetched only once the operation is permitted: one that a request file names, which someone
 * else may have written, and one in Vault. What the user's own options name on this machine needs no permission.
 */
export function needsPermission(fields: Fields): boolean {
  return Object.values(fields).some(
    value =>
      value instanceof SecretSource && (value.origin === 'file' || parseSecretSource(value.text)?.kind === 'vault'),
  )
}

/** The problems of the sources themselves. Fetches nothing. The policy is that of the request file, if there is one. */
export function checkSources(fields: Fields, policy: SourcePolicy | undefined): readonly FieldProblem[] {
  const requestIsStdin = policy?.requestFile === '-'
  const excess = fieldsFromStdin(fields).slice(requestIsStdin ? 0 : 1)
  const why = requestIsStdin ? 'the request itself comes from there' : 'only one secret per command can'
  return Object.entries(fields).flatMap(([field, value]) => {
    if (excess.includes(field)) return [{ field, message: `cannot come from standard input too: ${why}` }]
    const message = value instanceof SecretSource ? problemOf(value, policy) : undefined
    return message === undefined ? [] : [{ field, message, ofSource: true }]
  })
}

function problemOf({ text, origin }: SecretSource, policy: SourcePolicy | undefined): string | undefined {
  const parsed = parseSecretSource(text)
  if (!parsed) return secretSourceProblem(text, origin) ?? ''
  return origin === 'file' && policy ? sourceProblem(parsed, policy) : undefined
}

/** Why a request file may not name this source. Undefined if it may. */
function sourceProblem(source: ParsedSecretSource, policy: SourcePolicy): string | undefined {
  if (source.kind === 'stdin') return 'cannot come from standard input in a request file: use an option'
  if (source.kind === 'env') return variableProblem(source.name, policy)
  if (source.kind === 'vault') return vaultProblem(source, policy)
  return fileProblem(source.path, policy)
}

const ALLOWED_NAME = /^DSCTL_SECRET_/
// The credentials and addresses of dsctl, pg and the clients of Vault.
const FORBIDDEN_NAME = /^(VAULT_|BAO_|PG|DSCTL_|DATABASE_URL$)/i

function variableProblem(name: string, { allow }: SourcePolicy): string | undefined {
  if (ALLOWED_NAME.test(name)) return undefined
  if (FORBIDDEN_NAME.test(name)) return 'comes from a variable that a request file may never name'
  if (isAllowed(`env:${name}`, allow)) return undefined
  return `comes from a variable that a request file may not name: only DSCTL_SECRET_*, unless you pass --allow-from env:${name}`
}

function vaultProblem(
  { path, field }: Extract<ParsedSecretSource, { kind: 'vault' }>,
  policy: SourcePolicy,
): string | undefined {
  if (`${path}/`.startsWith(policy.ownSecrets))
    return 'comes from another data source, which a request file may never name'
  const patterns = policy.allow.filter(pattern => pattern.startsWith('vault:'))
  const allowed = patterns.some(pattern =>
    matches(pattern, pattern.includes('#') ? `vault:${path}#${field}` : `vault:${path}`),
  )
  if (allowed) return undefined
  return `comes from a path in Vault that a request file may not name, unless you pass --allow-from vault:${path}`
}

function fieldsFromStdin(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value instanceof SecretSource && value.text === '-' ? [name] : [],
  )
}
