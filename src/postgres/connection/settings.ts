import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { type FieldProblem, invalid } from '../../domain/errors.ts'
import { type AuthPolicy, parseRequiredMethods } from './auth-policy.ts'
import { defaultSocketFolder, type Environment, homeFiles, socketPath } from './home-files.ts'
import { type Parameters, readParameters } from './read-parameters.ts'

/** Where a server listens, as Node's `connect` takes it. */
export type ServerAddress = { readonly path: string } | { readonly host: string; readonly port: number }

export interface Login {
  readonly user: string
  readonly password: string
}

export interface ConnectionSettings extends AuthPolicy {
  readonly address: ServerAddress
  /** The host for messages, certificates and ~/.pgpass. It may differ from the address: `hostaddr`. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** If undefined, `passfile` may contain the password. */
  readonly password?: string | undefined
  readonly passfile: string
  readonly options: string | undefined
  readonly applicationName: string | undefined
  /** Undefined if only --timeout applies. */
  readonly connectTimeoutMs: number | undefined
  readonly keepAlive: { readonly enabled: boolean; readonly idleSeconds: number }
  readonly targetSession: string
  readonly tls: TlsParameters
}

/** The parameters for TLS. Files are read when they are needed. */
export interface TlsParameters {
  /** Undefined if none is given. */
  readonly mode: string | undefined
  /** Whether to start TLS without asking the server first. */
  readonly startsDirectly: boolean
  /** Folder with the default files, used if no parameter names a file. */
  readonly folder: string
  readonly rootCertificate: string | undefined
  /** The file of sslrootcert=system, if the environment names one. */
  readonly systemRoots: string | undefined
  readonly revocationList: string | undefined
  readonly revocationFolder: string | undefined
  /** Undefined: the files in `folder`, if they exist. Null: none. */
  readonly certificate: { readonly path: string | undefined } | null
  readonly key: string | undefined
  readonly keyPassword: string | undefined
  readonly sendName: boolean
  readonly minVersion: string | undefined
  readonly maxVersion: string | undefined
}

/**
 * How to connect, from a database URL, the service file and the PG* variables. `login` overrides their user and
 * password. Everything is parsed here because pg ignores most parameters, supports no service files and has another
 * meaning of sslmode. Throws `invalid`, without quoting a value, if a setting is not valid.
 */
export function readConnectionSettings(url: string | undefined, env: Environment, login?: Login): ConnectionSettings {
  const given = readParameters(url, env)
  const { get } = given
  throwProblems(findProblems(given))
  const port = Number(get('port') ?? 5432)
  const { passfile, certificates } = homeFiles(env)
  const user = login?.user ?? get('user') ?? systemUser()
  const settings = {
    ...findServer(given, port),
    ...{ port, user, database: get('dbname') ?? user, password: login?.password ?? get('password') },
    ...{ passfile: get('passfile') ?? passfile, options: get('options') },
    applicationName: get('application_name') ?? get('fallback_application_name'),
    connectTimeoutMs: Math.max(Number(get('connect_timeout') ?? 0), 0) * 1000 || undefined,
    keepAlive: { enabled: get('keepalives') !== '0', idleSeconds: Number(get('keepalives_idle') ?? 0) },
    requiredMethods: parseRequiredMethods(get('require_auth')),
    channelBinding: (get('channel_binding') ?? 'prefer') as AuthPolicy['channelBinding'],
    targetSession: get('target_session_attrs') ?? 'any',
    tls: { ...tlsParameters(get, certificates), systemRoots: env.SSL_CERT_FILE || undefined },
  }
  if ('path' in settings.address && get('requirepeer') !== undefined) throwProblems([peerProblem(given)])
  return settings
}

function findServer({ get }: Parameters, port: number): Pick<ConnectionSettings, 'address' | 'host'> {
  const address = get('hostaddr')
  const host = get('host') ?? address ?? defaultSocketFolder(port) ?? 'localhost'
  if (address !== undefined) return { host, address: { host: address, port } }
  return { host, address: isSocketFolder(host) ? { path: socketPath(host, port) } : { host, port } }
}

/** Whether a host is the folder of a socket. */
export function isSocketFolder(host: string): boolean {
  return /^[/@]/.test(host) || /^[a-z]:[\\/]/i.test(host)
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    throw invalid('No Postgres user is set, and the operating system has no name for the user that runs dsctl.', [
      { field: 'PGUSER', message: 'set it, or write the user into database.url' },
    ])
  }
}

function tlsParameters(get: Parameters['get'], folder: string): Omit<TlsParameters, 'systemRoots'> {
  const isSystem = get('sslrootcert') === 'system'
  return {
    mode: get('sslmode') ?? (isSystem ? 'verify-full' : undefined),
    startsDirectly: get('sslnegotiation') === 'direct',
    folder,
    rootCertificate: get('sslrootcert'),
    revocationList: get('sslcrl'),
    revocationFolder: get('sslcrldir'),
    certificate: get('sslcertmode') === 'disable' ? null : { path: get('sslcert') },
    key: get('sslkey'),
    keyPassword: get('sslpassword'),
    sendName: get('sslsni') !== '0',
    minVersion: get('ssl_min_protocol_version'),
    maxVersion: get('ssl_max_protocol_version'),
  }
}

function findProblems(given: Parameters): FieldProblem[] {
  const { get } = given
  const rules: readonly (readonly [name: string, isValid: (value: string) => boolean, message: string])[] = [
    ['port', isPort, 'must be an integer from 1 to 65535'],
    ['hostaddr', value => isIP(value.replace(/%.*/, '')) !== 0, 'must be an IP address; use host for a name'],
    ['connect_timeout', isCount, 'must be a number of seconds'],
    ['keepalives_idle', isCount, 'must be a number of seconds'],
    ['require_auth', value => parseRequiredMethods(value) !== undefined, REQUIRE_AUTH],
    ['sslkey', value => !/^\w{2,}:(?![\\/])/.test(value), 'must be a file: dsctl does not support OpenSSL engines'],
    ['sslnegotiation', value => value !== 'direct' || /^(require|verify)/.test(get('sslmode') ?? ''), NOT_WEAK],
    [
      'sslrootcert',
      value => value !== 'system' || (get('sslmode') ?? 'verify-full') === 'verify-full',
      'can be system only if sslmode is verify-full',
    ],
    [
      'ssl_min_protocol_version',
      value => value.toLowerCase() <= (get('ssl_max_protocol_version') ?? 'TLSv9').toLowerCase(),
      'must not be later than ssl_max_protocol_version',
    ],
  ]
  return rules.flatMap(([name, isValid, message]) => {
    const value = get(name)
    return value === undefined || isValid(value) ? [] : [{ field: given.field(name), message }]
  })
}

const REQUIRE_AUTH = 'must be a list of password, md5, gss, sspi, scram-sha-256, oauth and none, with or without a !'
const NOT_WEAK = 'can be direct only if sslmode is require, verify-ca or verify-full'

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}

function isCount(text: string): boolean {
  return /^-?\d{1,6}$/.test(text.trim())
}

function peerProblem(given: Parameters): FieldProblem {
  return {
    field: given.field('requirepeer'),
    message: 'is not supported: dsctl cannot check which user runs the server',
  }
}

function throwProblems(problems: readonly FieldProblem[]): void {
  if (problems.length) throw invalid('A connection parameter of Postgres is not valid.', problems)
}

/** Host, port and database for messages, without user and password. */
export function describeTarget({ host, port, database }: ConnectionSettings): string {
  return `${host.includes(':') && !isSocketFolder(host) ? `[${host}]` : host}:${port}/${database}`
}
