import { fstatSync, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, isAbsolute, resolve, sep } from 'node:path'
import type { InputContext } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { commonSecretPath } from '../domain/secret-path.ts'
import { vaultLocation } from '../settings/vault-location.ts'
import type { ParsedSecretSource } from '../source-types/secret-source.ts'

/** Which secret sources a request file may name. The file may come from someone else, for example in a pull request. */
export interface SourcePolicy {
  /** `@FILE` must be in its folder. `-` is standard input, which has no folder. */
  readonly requestFile: string
  /** What the user also allows: `env:DS_*`, `vault:kv/team/*`, `@/etc/secrets/*`. */
  readonly allow: readonly string[]
  /** Files with dsctl's own credentials. */
  readonly credentialFiles: readonly string[]
  /** What the paths of all data sources in Vault begin with, for example `secret/data-sources/`. */
  readonly ownSecrets: string
}

/** The policy for a request file: the rules below, and what `--allow-from` and the settings allow. Throws `invalid`. */
export function readSourcePolicy(
  context: InputContext,
  requestFile: string,
  allowFrom: readonly string[] = [],
): SourcePolicy {
  const settings = context.settings()
  const ofSettings = (settings.get('secrets.allowFrom') ?? '').split(/\s+/).filter(text => text !== '')
  const allow = [...allowFrom, ...ofSettings]
  if (!allow.every(isPattern)) {
    const message = 'must be a source, with * for any text: env:DS_*, vault:kv/team/* or @/etc/secrets/*'
    throw invalid('Invalid command line.', [{ field: 'allow-from', message }])
  }
  const { mount, path } = vaultLocation(settings)
  return {
    requestFile,
    allow,
    credentialFiles: context.credentialFiles(),
    ownSecrets: `${mount}/${commonSecretPath(path)}`,
  }
}

/** Why a request file may not name this source. Undefined if it may. */
export function sourceProblem(source: ParsedSecretSource, policy: SourcePolicy): string | undefined {
  if (source.kind === 'stdin') return 'cannot come from standard input in a request file: use an option'
  if (source.kind === 'env') return variableProblem(source.name, policy)
  if (source.kind === 'vault') return vaultProblem(source, policy)
  return fileProblem(source.path, policy)
}

/** Whether a text is a source in which `*` may stand for any text. */
function isPattern(text: string): boolean {
  return /^(env:[\w*]+|vault:[^#\s]+(#[^#\s]+)?|@.+)$/.test(text)
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

function fileProblem(path: string, policy: SourcePolicy): string | undefined {
  const found = statOf(pathOf(path, policy))
  const real = realPath(pathOf(path, policy))
  // Reading it reports a missing file.
  if (!found || real === undefined) return isRelative(path, policy) && !goesUp(path) ? undefined : OUTSIDE
  return placeProblem({ found, real, path }, policy)
}

/** Checks a file again once it is open: it may have been replaced since the first check. */
export function openFileProblem(fd: number, path: string, policy: SourcePolicy): string | undefined {
  const found = fstatSync(fd)
  const real = realPathOfOpen(fd, pathOf(path, policy))
  return real === undefined ? OUTSIDE : placeProblem({ found, real, path }, policy)
}

const OUTSIDE = 'comes from a file outside the folder of the request file: pass --allow-from @PATH to allow it'

function placeProblem({ found, real, path }: { found: Stats; real: string; path: string }, policy: SourcePolicy) {
  // Compared by inode, since links lead to the same file under other names.
  const isToken = policy.credentialFiles.some(file => isSame(statOf(file), found))
  if (isToken) return 'comes from a file that a request file may never name'
  // Reading a pipe could block forever.
  if (!found.isFile()) return 'comes from something that is not a regular file'
  const folder = realPath(dirname(policy.requestFile))
  if (folder !== undefined && isRelative(path, policy) && real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    return undefined
  return isAllowed(`@${real}`, policy.allow) && !real.startsWith('/proc/') ? undefined : OUTSIDE
}

function isRelative(path: string, { requestFile }: SourcePolicy): boolean {
  return requestFile !== '-' && !isAbsolute(path)
}

function goesUp(path: string): boolean {
  return path.split(/[\\/]/).includes('..')
}

function pathOf(path: string, { requestFile }: SourcePolicy): string {
  return requestFile === '-' ? resolve(path) : resolve(dirname(requestFile), path)
}

function isAllowed(source: string, allow: readonly string[]): boolean {
  return allow.some(pattern => matches(pattern, source))
}

function matches(pattern: string, source: string): boolean {
  const parts = pattern.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(source)
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** The path of an open file. Undefined if it is unknown. */
function realPathOfOpen(fd: number, path: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    // Only Linux has /proc. Elsewhere the path must still lead to the open file.
    const real = realPath(path)
    return real !== undefined && isSame(statOf(real, lstatSync), fstatSync(fd)) ? real : undefined
  }
}

function statOf(path: string, stat: (path: string) => Stats = statSync): Stats | undefined {
  try {
    return stat(path)
  } catch {
    return undefined
  }
}

function isSame(one: Stats | undefined, other: Stats): boolean {
  return one?.dev === other.dev && one.ino === other.ino
}
