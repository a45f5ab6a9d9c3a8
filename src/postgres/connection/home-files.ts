import { existsSync, statSync } from 'node:fs'
import { homedir, platform } from 'node:os'
import { join } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** The user's files that libpq uses if no parameter names a file. */
export interface HomeFiles {
  readonly passfile: string
  readonly serviceFile: string
  /** Folder of root.crt, root.crl, postgresql.crt and postgresql.key. */
  readonly certificates: string
}

/** Source: PostgreSQL documentation, "The Password File", "The Connection Service File" and "SSL Support". */
export function homeFiles(env: Environment): HomeFiles {
  const home = env.HOME || homedir()
  if (platform() !== 'win32') {
    return {
      passfile: join(home, '.pgpass'),
      serviceFile: join(home, '.pg_service.conf'),
      certificates: join(home, '.postgresql'),
    }
  }
  const folder = join(env.APPDATA || home, 'postgresql')
  return { passfile: join(folder, 'pgpass.conf'), serviceFile: join(folder, '.pg_service.conf'), certificates: folder }
}

const SOCKET_FOLDERS = ['/var/run/postgresql', '/tmp']

/**
 * The folder of the server's socket, to use if no host is given; undefined if there is no socket. libpq has one folder,
 * which depends on who built it: Debian and Red Hat use the first, PostgreSQL itself the second.
 */
export function defaultSocketFolder(port: number): string | undefined {
  return platform() === 'win32' ? undefined : SOCKET_FOLDERS.find(folder => isSocket(socketPath(folder, port)))
}

/** Whether ~/.pgpass uses `localhost` for sockets in this folder. */
export function isDefaultSocketFolder(folder: string): boolean {
  return SOCKET_FOLDERS.includes(folder)
}

/** Path of a server's socket. A folder that begins with @ names a socket in the abstract namespace of Linux. */
export function socketPath(folder: string, port: number): string {
  return `${folder.replace(/^@/, '\0')}/.s.PGSQL.${port}`
}

function isSocket(path: string): boolean {
  return existsSync(path) && statSync(path).isSocket()
}
