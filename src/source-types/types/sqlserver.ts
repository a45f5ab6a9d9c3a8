import {
  defaultDatabase,
  defaultSchema,
  host,
  password,
  poolFields,
  port,
  sshFields,
  sshRules,
  username,
} from '../common-fields.ts'
import type { SourceType } from '../source-type.ts'

export const sqlserver: SourceType = {
  name: 'sqlserver',
  label: 'SQL Server',
  driver: 'tedious',
  fields: {
    host: { ...host, aliases: ['server'], hostParts: { port: 'port', instance: 'instance' } },
    port: { ...port, default: 1433 },
    username: {
      ...username,
      form: {
        description: 'a user without its domain',
        notations: [{ pattern: '([^\\\\]+)\\\\([^\\\\]+)', meant: '$2' }],
      },
    },
    password,
    default_database: defaultDatabase,
    default_schema: defaultSchema,
    instance: {
      label: 'Instance',
      kind: 'text',
      secret: false,
      required: false,
      description: 'Named instance on the server. A port other than 1433 overrides it.',
    },
    domain: {
      label: 'Domain',
      kind: 'text',
      secret: false,
      required: false,
      description: 'Windows domain of the user.',
    },
    encrypt: {
      label: 'Encrypt',
      kind: 'boolean',
      secret: false,
      required: false,
      default: true,
      description: 'Whether to encrypt the connection.',
    },
    trust_server_certificate: {
      label: 'Trust server certificate',
      kind: 'boolean',
      secret: false,
      required: false,
      default: false,
      description: "Whether to accept the server's certificate without verification.",
    },
    ...sshFields,
    ...poolFields,
  },
  rules: sshRules,
}
