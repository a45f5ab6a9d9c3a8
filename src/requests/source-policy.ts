import { fstatSync, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, isAbsolute, resolve, sep } from 'node:path'
import type { Context } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import type { ParsedSecretSource } from '../source-types/secret-source.ts'

/** What a request file may name. It may come from a stranger, as in a pull request. */
export interface Reach {
  /** Its folder bounds its `@FILE` sources; `-` is standard input, which has none. */
  readonly requestFile: string
  /** What the operator allows beyond that: `env:DS_*`, `vault:kv/team/*`, `@/etc/secrets/*`. */
  readonly allow: readonly string[]
  /** Files that hold what dsctl itself logs in with. */
  readonly tokenFiles: readonly string[]
  /** Where in Vault the secrets of all data sources are, for instance `secret/data-sources/`. */
  readonly credentialsAt: string
}

/** How far a request file may reach here: what flags and profile allow. Throws `invalid` for a pattern that is none. */
export function reachOf(context: Context, requestFile: string): Reach {
  const { allowFrom } = context.flags
  const kept = (context.settings().get('secrets.allowFrom') ?? '').split(/\s+/).filter(text => text !== '')
  const allow = [...(Array.isArray(allowFrom) ? allowFrom.map(String) : []), ...kept]
  if (!allow.every(isPattern)) {
    const message = 'must be a source with * for anything, such as env:DS_*, vault:kv/team/* or @/etc/secrets/*'
    throw invalid('The command line cannot be used like this.', [{ field: 'allow-from', message }])
  }
  const [folder = ''] = context.secretPath({ organizationId: '{', secretId: '{' }).split('{')
  return { requestFile, allow, tokenFiles: context.credentialFiles(), credentialsAt: folder }
}

/** Why this source is not one for a request file; undefined where it may be fetched. */
export function outOfReach(source: ParsedSecretSource, reach: Reach): string | undefined {
  if (source.kind === 'stdin') return 'cannot come from standard input where a request file says so: use a flag'
  if (source.kind === 'env') return envProblem(source.name, reach)
  if (source.kind === 'vault') return vaultProblem(source, reach)
  return fileProblem(source.path, reach)
}

/** Whether a text is a pattern of sources: a source in which each `*` stands for anything. */
function isPattern(text: string): boolean {
  return /^(env:[\w*]+|vault:[^#\s]+(#[^#\s]+)?|@.+)$/.test(text)
}

const OWN_NAME = /^DSCTL_SECRET_/
// What dsctl, pg and Vault's clients log in with, and where they are.
const NEVER_NAME = /^(VAULT_|BAO_|PG|DSCTL_|DATABASE_URL$)/i

function envProblem(name: string, { allow }: Reach): string | undefined {
  if (OWN_NAME.test(name)) return undefined
  if (NEVER_NAME.test(name)) return 'comes from a variable that no request file may name'
  if (isAllowed(`env:${name}`, allow)) return undefined
  return `comes from a variable that a request file may not name: only those that begin with DSCTL_SECRET_, or --allow-from env:${name}`
}

function vaultProblem(
  { path, field }: Extract<ParsedSecretSource, { kind: 'vault' }>,
  reach: Reach,
): string | undefined {
  // Vault's paths know no case folding, but mounts may be named with or without a slash at the end.
  if (`${path}/`.startsWith(reach.credentialsAt))
    return 'comes from another data source, which no request file may name'
  const patterns = reach.allow.filter(pattern => pattern.startsWith('vault:'))
  const allowed = patterns.some(pattern =>
    matches(pattern, pattern.includes('#') ? `vault:${path}#${field}` : `vault:${path}`),
  )
  if (allowed) return undefined
  return `comes from a place in Vault that a request file may not name, unless --allow-from vault:${path} allows it`
}

function fileProblem(path: string, reach: Reach): string | undefined {
  const found = statOf(pathOf(path, reach))
  const real = realPath(pathOf(path, reach))
  // A file that is missing stays missing, which reading it will say.
  if (!found || real === undefined) return isRelative(path, reach) && !climbs(path) ? undefined : OUTSIDE
  return placeProblem({ found, real, path }, reach)
}

/** The same of a file that is open by now: others may have put something else in its place since it was judged. */
export function openedOutOfReach(fd: number, path: string, reach: Reach): string | undefined {
  const found = fstatSync(fd)
  const real = realPathOfOpened(fd, pathOf(path, reach))
  return real === undefined ? OUTSIDE : placeProblem({ found, real, path }, reach)
}

const OUTSIDE = 'comes from a file outside the folder of the request file, unless --allow-from @PATH allows it'

function placeProblem({ found, real, path }: { found: Stats; real: string; path: string }, reach: Reach) {
  // By what it is, not by its name: links and hard links lead to the same file.
  const isToken = reach.tokenFiles.some(file => isSame(statOf(file), found))
  if (isToken) return 'comes from a file that no request file may name'
  // A pipe would keep the program waiting, for whoever wrote the request.
  if (!found.isFile()) return 'comes from something that is no regular file'
  const folder = realPath(dirname(reach.requestFile))
  if (folder !== undefined && isRelative(path, reach) && real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    return undefined
  return isAllowed(`@${real}`, reach.allow) && !real.startsWith('/proc/') ? undefined : OUTSIDE
}

function isRelative(path: string, { requestFile }: Reach): boolean {
  return requestFile !== '-' && !isAbsolute(path)
}

function climbs(path: string): boolean {
  return path.split(/[\\/]/).includes('..')
}

function pathOf(path: string, { requestFile }: Reach): string {
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

/** The path of what is open; undefined where that cannot be told. */
function realPathOfOpened(fd: number, path: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    // Not every system has it: then the path has to lead there still.
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
