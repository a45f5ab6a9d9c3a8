/** A parsed secret source. The `path` of a `vault` source starts with the mount. */
export type ParsedSecretSource =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'vault'; readonly path: string; readonly field: string }

/** Parses `-`, `@FILE`, `env:NAME` or `vault:MOUNT/PATH#FIELD`. Returns undefined for any other string. */
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

/** The forms of a source, with their descriptions. */
export const SOURCE_FORMS = {
  '-': 'standard input, for one secret per command',
  '@FILE': 'a file',
  'env:NAME': 'an environment variable',
  'vault:MOUNT/PATH#FIELD': 'a field of another secret in Vault',
} as const

export function isSecretSource(text: string): boolean {
  return parseSecretSource(text) !== undefined
}

/** The problem with a source, if any. Does not quote the source, which may be a secret entered by mistake. */
export function secretSourceProblem(text: string, origin: 'flag' | 'file'): string | undefined {
  if (isSecretSource(text)) return undefined
  const forms = Object.keys(SOURCE_FORMS)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' or ')
  return origin === 'file'
    ? `must be a string, or {from: SOURCE} where SOURCE is ${forms}`
    : `must be ${forms}: values on the command line are visible to other processes and in the shell's history`
}

/** `.` and `..` are not allowed: with them, a path could match an allowed pattern and still lead outside it. */
function isVaultPath(path: string): boolean {
  const segments = path.split('/')
  return segments.length > 1 && segments.every(segment => segment !== '' && segment !== '.' && segment !== '..')
}
