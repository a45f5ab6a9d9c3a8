import type { Field, Rule, TextForm } from './source-type.ts'

// Fields and groups of fields that several types share.

export const host: Field = {
  label: 'Host',
  kind: 'host',
  secret: false,
  required: true,
  description: 'Hostname or IP address of the server.',
}

/** The host of a type with a port. */
export const serverHost: Field = { ...host, hostParts: { port: 'port' } }

/** Each type adds its default. */
export const port: Field = {
  label: 'Port',
  kind: 'integer',
  secret: false,
  required: false,
  min: 1,
  max: 65535,
  description: 'Port of the server.',
}

export const username: Field = {
  label: 'Username',
  kind: 'text',
  secret: false,
  required: true,
  description: 'User to log in as.',
}

export const password: Field = {
  label: 'Password',
  kind: 'password',
  secret: true,
  required: true,
  description: 'Password of the user.',
}

export const defaultDatabase: Field = {
  label: 'Default database',
  kind: 'text',
  secret: false,
  required: true,
  description: 'Database to connect to.',
  aliases: ['database'],
  output: { name: 'database', list: false },
}

export const defaultSchema: Field = {
  label: 'Default schema',
  kind: 'text',
  secret: false,
  required: false,
  description: 'Schema in which tables are looked up first.',
  aliases: ['schema'],
  listAliases: ['schemas'],
  output: { name: 'schemas', list: true },
}

/** The three fields that are required together come first. */
export const sshFields: Readonly<Record<string, Field>> = {
  jump_host: {
    label: 'SSH jump host',
    kind: 'host',
    secret: false,
    required: false,
    description: 'Hostname or IP address of the SSH server to connect through.',
    hostParts: { port: 'ssh_port' },
    group: 'ssh',
  },
  ssh_username: {
    label: 'SSH username',
    kind: 'text',
    secret: false,
    required: false,
    description: 'User to log in as on the SSH server.',
    group: 'ssh',
  },
  ssh_private_key: {
    label: 'SSH private key',
    kind: 'private-key',
    secret: true,
    required: false,
    description: 'Private key of the SSH user.',
    group: 'ssh',
  },
  ssh_private_key_passphrase: {
    label: 'SSH private key passphrase',
    kind: 'password',
    secret: true,
    required: false,
    description: 'Passphrase of the private key, if it has one.',
    passphraseOf: 'ssh_private_key',
    group: 'ssh',
  },
  ssh_port: {
    label: 'SSH port',
    kind: 'integer',
    secret: false,
    required: false,
    default: 22,
    min: 1,
    max: 65535,
    description: 'Port of the SSH server.',
    group: 'ssh',
  },
  ssh_host_key: {
    label: 'SSH host key fingerprint',
    kind: 'host-key-fingerprint',
    secret: false,
    required: false,
    description: "Fingerprint of one of the SSH server's keys, as printed by ssh-keygen -l.",
    group: 'ssh',
  },
}

export const sshRules: readonly Rule[] = [
  { kind: 'together', fields: ['jump_host', 'ssh_username', 'ssh_private_key'] },
  { kind: 'needs', field: 'ssh_port', needs: 'jump_host' },
  { kind: 'needs', field: 'ssh_private_key_passphrase', needs: 'ssh_private_key' },
  { kind: 'needs', field: 'ssh_host_key', needs: 'jump_host' },
]

/** The names that MySQL's clients use for the same modes. */
const SSL_MODE_FORM: TextForm = {
  description: 'one of disable, prefer, require, verify-ca, verify-full',
  notations: [
    { pattern: '[Dd]isabled|DISABLED', meant: 'disable' },
    { pattern: '[Pp]referred|PREFERRED', meant: 'prefer' },
    { pattern: '[Rr]equired|REQUIRED', meant: 'require' },
    { pattern: '[Vv]erify[_-]identity|VERIFY[_-]IDENTITY', meant: 'verify-full' },
  ],
}

export const tlsFields: Readonly<Record<string, Field>> = {
  ssl_mode: {
    label: 'TLS mode',
    kind: 'choice',
    secret: false,
    required: false,
    choices: ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'],
    description: 'Whether to encrypt the connection and to verify the server.',
    form: SSL_MODE_FORM,
    group: 'tls',
  },
  ssl_ca: {
    label: 'TLS CA certificates',
    kind: 'certificates',
    secret: false,
    required: false,
    description: "CA certificates for verifying the server's certificate.",
    group: 'tls',
  },
}

export const poolFields: Readonly<Record<string, Field>> = {
  max_connections: {
    label: 'Maximum connections',
    kind: 'integer',
    secret: false,
    required: false,
    min: 1,
    max: 10_000,
    description: 'Maximum number of connections that the application opens.',
    group: 'pool',
  },
  connect_timeout_seconds: {
    label: 'Connect timeout (seconds)',
    kind: 'integer',
    secret: false,
    required: false,
    min: 1,
    max: 86_400,
    description: 'Time that the application waits for a connection.',
    group: 'pool',
  },
  idle_timeout_seconds: {
    label: 'Idle timeout (seconds)',
    kind: 'integer',
    secret: false,
    required: false,
    min: 0,
    max: 86_400,
    description: 'Time after which the application closes an idle connection.',
    group: 'pool',
  },
}
