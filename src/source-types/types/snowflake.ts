import { defaultDatabase, defaultSchema, host, password, username } from '../common-fields.ts'
import type { SourceType } from '../source-type.ts'

export const snowflake: SourceType = {
  name: 'snowflake',
  label: 'Snowflake',
  driver: 'snowflake-sdk',
  fields: {
    account_id: {
      label: 'Account ID',
      kind: 'text',
      secret: false,
      required: true,
      description: 'Account identifier, for example myorg-account123.',
    },
    warehouse_id: {
      label: 'Warehouse',
      kind: 'text',
      secret: false,
      required: true,
      description: 'Warehouse that runs the queries.',
    },
    username,
    password: { ...password, required: false },
    private_key: {
      label: 'Private key',
      kind: 'private-key',
      secret: true,
      required: false,
      description: 'Private key of the user, for key-pair authentication.',
      aliases: ['private_key_pem'],
    },
    private_key_passphrase: {
      label: 'Private key passphrase',
      kind: 'password',
      secret: true,
      required: false,
      description: 'Passphrase of the private key, if it has one.',
    },
    role: {
      label: 'Role',
      kind: 'text',
      secret: false,
      required: false,
      description: 'Role to use in the session.',
    },
    default_database: defaultDatabase,
    default_schema: defaultSchema,
    custom_host: {
      ...host,
      label: 'Custom host',
      required: false,
      description: "Hostname to connect to instead of the account's default.",
    },
  },
  rules: [
    { kind: 'one-of', fields: ['password', 'private_key'] },
    { kind: 'needs', field: 'private_key_passphrase', needs: 'private_key' },
  ],
}
