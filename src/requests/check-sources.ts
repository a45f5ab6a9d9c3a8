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
 * Whether permission must be checked before the secrets are fetched. True if a secret is in Vault, or if a request file
 * names its source, since someone else may have written the file. Sources on this machine that are named by the user's
 * own options need no permission.
 */
export function needsPermission(fields: Fields): boolean {
  return Object.values(fields).some(
    value =>
      value instanceof SecretSource && (value.origin === 'file' || parseSecretSource(value.text)?.kind === 'vault'),
  )
}

/**
 * Returns the problems of the sources, without fetching. `policy` is the policy of the request file, if there is one.
 */
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

/** The problem if request files may not use this source, otherwise undefined. */
function sourceProblem(source: ParsedSecretSource, policy: SourcePolicy): string | undefined {
  if (source.kind === 'stdin') return 'cannot come from standard input in a request file: use an option'
  if (source.kind === 'env') return variableProblem(source.name, policy)
  if (source.kind === 'vault') return vaultProblem(source, policy)
  return fileProblem(source.path, policy)
}

const ALLOWED_NAME = /^DSCTL_SECRET_/
// Variables from which dsctl, pg and the clients of Vault read credentials and addresses.
const FORBIDDEN_NAME = /^(VAULT_|BAO_|PG|DSCTL_|DATABASE_URL$|HTTPS?_PROXY$)/i

function variableProblem(name: string, { allow }: SourcePolicy): string | undefined {
  if (ALLOWED_NAME.test(name)) return undefined
  if (FORBIDDEN_NAME.test(name)) return 'comes from a variable that a request file may never use'
  if (isAllowed(`env:${name}`, allow)) return undefined
  return `comes from a variable that a request file may not use. Use a variable named DSCTL_SECRET_*, or pass --allow-from env:${name}`
}

function vaultProblem(
  { path, field }: Extract<ParsedSecretSource, { kind: 'vault' }>,
  policy: SourcePolicy,
): string | undefined {
  if (`${path}/`.startsWith(policy.ownSecrets))
    return 'comes from the secret of another data source, which a request file may never use'
  const patterns = policy.allow.filter(pattern => pattern.startsWith('vault:'))
  const allowed = patterns.some(pattern =>
    matches(pattern, pattern.includes('#') ? `vault:${path}#${field}` : `vault:${path}`),
  )
  if (allowed) return undefined
  return `comes from a path in Vault that a request file may not use unless you pass --allow-from vault:${path}`
}

function fieldsFromStdin(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value instanceof SecretSource && value.text === '-' ? [name] : [],
  )
}
