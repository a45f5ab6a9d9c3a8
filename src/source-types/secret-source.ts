/** A secret's source, taken apart. `path` of a `vault` one begins with the mount. */
export type ParsedSecretSource =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'vault'; readonly path: string; readonly field: string }

/** Takes `-`, `@FILE`, `env:NAME` or `vault:MOUNT/PATH#FIELD` apart; undefined where the text is none of these. */
export function parseSecretSource(text: string): ParsedSecretSource | undefined {
  if (/\p{Cc}/u.test(text)) return undefined
  if (text === '-') return { kind: 'stdin' }
  const file = /^@(.+)$/.exec(text)?.[1]
  if (file) return { kind: 'file', path: file }
  const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1]
  if (name) return { kind: 'env', name }
  const [, path, field] = /^vault:([^#]+)#([^#]+)$/.exec(text) ?? []
  return path && field && isVaultPath(path) ? { kind: 'vault', path, field } : undefined
}

/** The forms of a source, with what each means. */
export const SOURCE_FORMS = {
  '-': 'standard input, at most one secret of a call',
  '@FILE': 'a file',
  'env:NAME': 'an environment variable',
  'vault:MOUNT/PATH#FIELD': 'a field of another secret in Vault',
} as const

export function isSecretSource(text: string): boolean {
  return parseSecretSource(text) !== undefined
}

/** What is wrong with a source, in words that hold nothing of it: it may be the secret itself, typed by mistake. */
export function secretSourceProblem(text: string, origin: 'flag' | 'file'): string | undefined {
  if (isSecretSource(text)) return undefined
  const forms = Object.keys(SOURCE_FORMS)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' or ')
  return origin === 'file'
    ? `must be a string, or {from: SOURCE} where SOURCE is ${forms}`
    : `must be ${forms}: values on the command line are visible to other processes and in the shell's history`
}

/** Dots that climb are refused, so that what an operator allows by pattern can't be left. */
function isVaultPath(path: string): boolean {
  const segments = path.split('/')
  return segments.length > 1 && segments.every(segment => segment !== '' && segment !== '.' && segment !== '..')
}
