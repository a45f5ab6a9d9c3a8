import { fstatSync, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, isAbsolute, resolve, sep } from 'node:path'
import { isAllowed, type SourcePolicy } from './source-policy.ts'

/** The problem if a request file may not use this file, otherwise undefined. */
export function fileProblem(path: string, policy: SourcePolicy): string | undefined {
  const found = statOf(pathOf(path, policy))
  const real = realPath(pathOf(path, policy))
  // A missing file is reported when it is read.
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
  if (isToken) return 'comes from a file that a request file may never use'
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
