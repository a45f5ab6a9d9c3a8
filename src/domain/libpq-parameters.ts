/** A connection parameter of libpq, and what dsctl does with it. */
export interface LibpqParameter {
  readonly name: string
  /** The environment variable with the same meaning. */
  readonly env?: string
  /**
   * `used`: as in libpq. `ignored`: it does not matter to dsctl. `rejected`: dsctl does not support it, and reports it.
   */
  readonly support: 'used' | 'ignored' | 'rejected'
  /** The accepted values. If undefined, every value is accepted, or none if `support` is `rejected`. */
  readonly allowed?: readonly string[]
  /** Why other values are rejected, and what to do instead. */
  readonly why?: string
  /** A difference from libpq that its documentation does not mention. */
  readonly note?: string
  /** The value is never shown or saved. */
  readonly secret?: true
  /** libpq accepts a list, with one entry per host. */
  readonly perHost?: true
  /** Set if it only affects Unix sockets, so that it is checked when the address is known. */
  readonly socketsOnly?: true
}

const NO_GSS = 'only for GSSAPI, which dsctl does not use'
const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const FLAG = ['0', '1']
const OAUTH = 'dsctl cannot log in with OAuth; use a password or a client certificate'
const NO_OPTION = 'Node has no such option; dsctl limits each statement with --timeout'

/**
 * All connection parameters of libpq, up to PostgreSQL 18.
 * Source: PostgreSQL documentation, "Parameter Key Words" and "Environment Variables".
 */
export const LIBPQ_PARAMETERS: readonly LibpqParameter[] = [
  { name: 'host', env: 'PGHOST', support: 'used', perHost: true, note: 'one host; a path is the folder of a socket' },
  { name: 'hostaddr', env: 'PGHOSTADDR', support: 'used', perHost: true },
  { name: 'port', env: 'PGPORT', support: 'used', perHost: true },
  { name: 'dbname', env: 'PGDATABASE', support: 'used' },
  { name: 'user', env: 'PGUSER', support: 'used' },
  { name: 'password', env: 'PGPASSWORD', support: 'used', secret: true },
  { name: 'passfile', env: 'PGPASSFILE', support: 'used' },
  { name: 'require_auth', env: 'PGREQUIREAUTH', support: 'used' },
  {
    name: 'channel_binding',
    env: 'PGCHANNELBINDING',
    support: 'used',
    allowed: ['disable', 'prefer', 'require'],
  },
  {
    name: 'connect_timeout',
    env: 'PGCONNECT_TIMEOUT',
    support: 'used',
    note: '--timeout applies if it is shorter',
  },
  {
    name: 'client_encoding',
    env: 'PGCLIENTENCODING',
    support: 'ignored',
    note: 'dsctl always uses UTF-8',
  },
  { name: 'options', env: 'PGOPTIONS', support: 'used' },
  { name: 'application_name', env: 'PGAPPNAME', support: 'used' },
  { name: 'fallback_application_name', support: 'used' },
  { name: 'keepalives', support: 'used', allowed: FLAG },
  { name: 'keepalives_idle', support: 'used' },
  { name: 'keepalives_interval', support: 'ignored', note: NO_OPTION },
  { name: 'keepalives_count', support: 'ignored', note: NO_OPTION },
  { name: 'tcp_user_timeout', support: 'ignored', note: NO_OPTION },
  {
    name: 'replication',
    support: 'rejected',
    allowed: ['false', 'off', 'no', '0'],
    why: 'dsctl needs an ordinary connection',
  },
  {
    name: 'gssencmode',
    env: 'PGGSSENCMODE',
    support: 'rejected',
    allowed: ['disable', 'prefer'],
    why: 'dsctl cannot encrypt with GSSAPI; use sslmode',
  },
  {
    name: 'sslmode',
    env: 'PGSSLMODE',
    support: 'used',
    allowed: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
    note: 'by default as prefer, but without TLS first if the server is on this machine',
  },
  {
    name: 'requiressl',
    env: 'PGREQUIRESSL',
    support: 'used',
    allowed: FLAG,
    note: 'the same as sslmode=require if it is 1',
  },
  { name: 'sslnegotiation', env: 'PGSSLNEGOTIATION', support: 'used', allowed: ['postgres', 'direct'] },
  { name: 'sslcompression', env: 'PGSSLCOMPRESSION', support: 'ignored', note: 'TLS 1.3 has no compression' },
  { name: 'sslcert', env: 'PGSSLCERT', support: 'used' },
  { name: 'sslkey', env: 'PGSSLKEY', support: 'used', note: 'a file; engines are rejected' },
  {
    name: 'sslkeylogfile',
    support: 'rejected',
    why: 'dsctl does not write the keys of TLS sessions to a file',
  },
  { name: 'sslpassword', support: 'used', secret: true },
  {
    name: 'sslcertmode',
    env: 'PGSSLCERTMODE',
    support: 'used',
    allowed: ['disable', 'allow'],
    why: 'dsctl cannot check whether the server asks for a certificate',
  },
  {
    name: 'sslrootcert',
    env: 'PGSSLROOTCERT',
    support: 'used',
    note: 'system means SSL_CERT_FILE or the list of the operating system; if neither it nor ~/.postgresql/root.crt exists, verify-full trusts the authorities that Node trusts',
  },
  { name: 'sslcrl', env: 'PGSSLCRL', support: 'used' },
  { name: 'sslcrldir', env: 'PGSSLCRLDIR', support: 'used' },
  { name: 'sslsni', env: 'PGSSLSNI', support: 'used', allowed: FLAG },
  {
    name: 'requirepeer',
    env: 'PGREQUIREPEER',
    support: 'rejected',
    socketsOnly: true,
    why: 'dsctl cannot check which user runs the server; unset it',
    note: 'ignored without a socket, as in libpq',
  },
  {
    name: 'ssl_min_protocol_version',
    env: 'PGSSLMINPROTOCOLVERSION',
    support: 'used',
    allowed: TLS_VERSIONS,
  },
  {
    name: 'ssl_max_protocol_version',
    env: 'PGSSLMAXPROTOCOLVERSION',
    support: 'used',
    allowed: TLS_VERSIONS,
  },
  {
    name: 'min_protocol_version',
    env: 'PGMINPROTOCOLVERSION',
    support: 'rejected',
    allowed: ['3.0'],
    why: 'dsctl uses version 3.0 of the protocol',
  },
  {
    name: 'max_protocol_version',
    env: 'PGMAXPROTOCOLVERSION',
    support: 'used',
    allowed: ['3.0', '3.2', 'latest'],
    why: 'dsctl uses version 3.0 of the protocol',
  },
  { name: 'krbsrvname', env: 'PGKRBSRVNAME', support: 'ignored', note: NO_GSS },
  { name: 'gsslib', env: 'PGGSSLIB', support: 'ignored', note: NO_GSS },
  { name: 'gssdelegation', env: 'PGGSSDELEGATION', support: 'ignored', note: NO_GSS },
  { name: 'scram_client_key', support: 'rejected', secret: true, why: 'use a password' },
  { name: 'scram_server_key', support: 'rejected', secret: true, why: 'use a password' },
  { name: 'service', env: 'PGSERVICE', support: 'used' },
  { name: 'servicefile', env: 'PGSERVICEFILE', support: 'used' },
  {
    name: 'target_session_attrs',
    env: 'PGTARGETSESSIONATTRS',
    support: 'used',
    allowed: ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'],
  },
  {
    name: 'load_balance_hosts',
    env: 'PGLOADBALANCEHOSTS',
    support: 'ignored',
    note: 'dsctl connects to one host',
  },
  { name: 'oauth_issuer', support: 'rejected', why: OAUTH },
  { name: 'oauth_client_id', support: 'rejected', why: OAUTH },
  { name: 'oauth_client_secret', support: 'rejected', secret: true, why: OAUTH },
  { name: 'oauth_scope', support: 'rejected', why: OAUTH },
]

/** Variables of libpq that are not parameters. */
export const OTHER_LIBPQ_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['PGSYSCONFDIR', 'used: folder of pg_service.conf; default /etc/postgresql-common'],
  ['PGLOCALEDIR', 'ignored: dsctl shows no messages of libpq'],
  ['PGDATESTYLE', 'ignored: dsctl prints times as ISO 8601'],
  ['PGTZ', 'ignored: dsctl prints times in UTC'],
  ['PGGEQO', 'ignored: it only affects plans of large joins'],
]

/** Variables that locate the database if there is no URL. */
export const LOCATING_VARIABLES = ['PGHOST', 'PGHOSTADDR', 'PGSERVICE', 'PGDATABASE', 'PGUSER']
