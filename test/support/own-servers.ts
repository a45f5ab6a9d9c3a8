import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen } from './listen.ts'

// Starts servers that are installed on the machine, for one suite. Each runs as its system user, because they refuse to
// run as root.

/** Undefined if the server is not installed, or if this process may not run as the server's user. */
export const POSTGRES_BIN = process.getuid?.() === 0 ? postgresBin() : undefined
export const HAS_MARIADB = process.getuid?.() === 0 && existsSync('/usr/sbin/mariadbd')
export const HAS_SSHD = process.getuid?.() === 0 && existsSync('/usr/sbin/sshd')

export interface OwnServer {
  readonly port: number
  /** The server's folder, owned by its user. */
  readonly folder: string
  /** Writes a file into the folder. */
  write(name: string, text: string): void
  /** Makes the server reload its certificates. */
  reload(): void
  stop(): void
}

export interface Pair {
  readonly cert: string
  readonly key: string
}

function postgresBin(): string | undefined {
  const folder = '/usr/lib/postgresql'
  const version = existsSync(folder) ? readdirSync(folder).sort((a, b) => Number(b) - Number(a))[0] : undefined
  return version && join(folder, version, 'bin')
}

export interface PostgresOptions {
  readonly password: string
  readonly pair: Pair
  /** The first rules in pg_hba.conf. */
  readonly access: string
  /** The certificate authority of clients. */
  readonly clientCa?: string
}

/** A Postgres with passwords (scram) and TLS; its superuser is `app`. It logs connections to the file `log`. */
export async function ownPostgres({ password, pair, access, clientCa }: PostgresOptions) {
  const bin = POSTGRES_BIN ?? ''
  const { folder, ids, write } = folderOf('postgres')
  const run = (command: string, args: string[]) => {
    const { status, stderr } = spawnSync(join(bin, command), args, { ...ids, encoding: 'utf8', cwd: folder })
    if (status !== 0) throw new Error(`${command} failed: ${stderr}`)
  }
  write('pw', `${password}\n`)
  const data = join(folder, 'data')
  run('initdb', ['-D', data, '-A', 'scram-sha-256', '-U', 'app', `--pwfile=${join(folder, 'pw')}`, '--no-sync'])
  write('data/server.crt', pair.cert)
  write('data/server.key', pair.key)
  write('data/pg_hba.conf', `${access}\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n`)
  if (clientCa !== undefined) write('data/clients.crt', clientCa)
  const port = await freePort()
  const ca = clientCa === undefined ? '' : ' -c ssl_ca_file=clients.crt'
  const options = `-p ${port} -k ${folder} -c ssl=on${ca} -c fsync=off -c log_connections=on -c listen_addresses=localhost`
  run('pg_ctl', ['-D', data, '-o', options, '-l', join(folder, 'log'), '-w', 'start'])
  const stop = () => {
    spawnSync(join(bin, 'pg_ctl'), ['-D', data, '-m', 'immediate', 'stop'], { ...ids, cwd: folder })
    rmSync(folder, { recursive: true, force: true })
  }
  return { port, folder, write, reload: () => run('pg_ctl', ['-D', data, 'reload']), stop } satisfies OwnServer
}

/** A MariaDB; with TLS if there is a pair. Its root has no password. `sql` runs at startup. */
export async function ownMariadb({
  pair,
  sql,
  settings = [],
}: {
  pair?: Pair
  sql: string
  /** Further options, for example `--require-secure-transport`. */
  settings?: readonly string[]
}): Promise<OwnServer> {
  const { folder, ids, write } = folderOf('mysql')
  const data = join(folder, 'data')
  const install = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']
  const installed = spawnSync('mariadb-install-db', install, { ...ids, cwd: folder, encoding: 'utf8' })
  if (installed.status !== 0) throw new Error(`mariadb-install-db failed: ${installed.stderr}`)
  write('init.sql', sql)
  if (pair) write('cert.pem', pair.cert)
  if (pair) write('key.pem', pair.key)
  const file = (name: string) => join(folder, name)
  const tls = pair
    ? [`--ssl-cert=${file('cert.pem')}`, `--ssl-key=${file('key.pem')}`, `--ssl-ca=${file('cert.pem')}`]
    : []
  const port = await freePort()
  const where = [`--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${file('s')}`]
  const args = ['--no-defaults', ...where, `--init-file=${file('init.sql')}`, '--skip-log-bin', ...tls, ...settings]
  const child = spawn('/usr/sbin/mariadbd', args, { ...ids, cwd: folder, stdio: 'ignore' })
  await answers(port)
  const stop = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  return { port, folder, write, reload: () => {}, stop }
}

export interface HostKey {
  /** As printed by ssh-keygen -l. */
  readonly fingerprint: string
  readonly publicKey: string
}

export interface JumpHost extends OwnServer {
  /** The fingerprint of the first host key. */
  readonly fingerprint: string
  /** In the order of the options. */
  readonly hostKeys: readonly HostKey[]
  /** The server's log. */
  log(): string
}

/** An OpenSSH server that allows root to log in with a public key, and forwards only to `permitted` (`HOST:PORT`). */
export async function ownSshd({
  publicKeys,
  permitted,
  hostKeys: types = ['ed25519'],
  settings = [],
}: {
  publicKeys: readonly string[]
  permitted: readonly string[]
  /** The types of the host keys, for ssh-keygen -t, for example `rsa -b 2048`. */
  hostKeys?: readonly string[]
  /** Further lines of the configuration. */
  settings?: readonly string[]
}) {
  const { folder, write } = folderOf('root')
  mkdirSync('/run/sshd', { recursive: true })
  const file = (name: string) => join(folder, name)
  const hostKeys = types.map((type, at): HostKey => {
    const { path, publicKey } = sshKey(folder, `host_${at}`, ['-t', ...type.split(' '), '-N', ''])
    const printed = execFileSync('ssh-keygen', ['-l', '-f', path], { encoding: 'utf8' })
    return { fingerprint: printed.split(' ')[1] ?? '', publicKey: publicKey.trim() }
  })
  write('keys', publicKeys.join('\n'))
  const port = await freePort()
  write(
    'config',
    [
      ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `AuthorizedKeysFile ${file('keys')}`],
      ...types.map((_, at) => `HostKey ${file(`host_${at}`)}`),
      ...[`PidFile ${file('pid')}`, 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin yes'],
      ...['AllowTcpForwarding local', `PermitOpen ${permitted.join(' ')}`, 'LogLevel DEBUG1', ...settings, ''],
    ].join('\n'),
  )
  const child = spawn('/usr/sbin/sshd', ['-D', '-f', file('config'), '-E', file('log')], { stdio: 'ignore' })
  await answers(port)
  const stop = () => {
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  const fingerprint = hostKeys[0]?.fingerprint ?? ''
  const log = () => readFileSync(file('log'), 'utf8')
  return { port, folder, write, reload: () => {}, stop, fingerprint, hostKeys, log } satisfies JumpHost
}

/** Generates a key pair. Returns the texts of both files. `args`: arguments for ssh-keygen. */
export function sshKey(folder: string, name: string, args: readonly string[]): { path: string; publicKey: string } {
  const path = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-f', path, ...args])
  return {
    path,
    publicKey: execFileSync('ssh-keygen', ['-y', '-P', passphraseIn(args), '-f', path], { encoding: 'utf8' }),
  }
}

function passphraseIn(args: readonly string[]): string {
  return args[args.indexOf('-N') + 1] ?? ''
}

/** A folder owned by a system user, and a function that starts a process as that user. */
export function folderOf(user: string) {
  const id = (kind: string) => Number(execFileSync('id', [kind, user], { encoding: 'utf8' }))
  const ids = { uid: id('-u'), gid: id('-g') }
  const folder = mkdtempSync(join(tmpdir(), `dsctl-${user}-`))
  chownSync(folder, ids.uid, ids.gid)
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    chownSync(join(folder, name), ids.uid, ids.gid)
  }
  return { folder, ids, write }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise(resolve => server.close(resolve))
  return port
}

async function answers(port: number): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const open = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1')
      socket.once('data', () => socket.destroy() && resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
    })
    if (open) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`nothing answers on ${port}`)
}
