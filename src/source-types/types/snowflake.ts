import { defaultDatabase, defaultSchema, host, password, username } from '../common-fields.ts'
import type { SourceType, TextForm } from '../source-type.ts'

const ACCOUNT_ID: TextForm = {
  description: 'an account identifier without scheme and domain',
  pattern: '[^/:;?#@\\\\]+',
  notations: [
    {
      pattern: '(?:(?:[a-z]+:)*//)?([A-Za-z0-9_.-]+?)\\.snowflakecomputing\\.(?:com|cn)\\.?(?::[0-9]+)?(?:[/?#].*)?',
      meant: '$1',
    },
    // The address of the web console: /ORGANIZATION/ACCOUNT, or /REGION/LOCATOR with a hyphen in the region.
    { pattern: '(?:https?://)?app\\.snowflake\\.com/([a-z]+-[a-z0-9.-]+)/([A-Za-z0-9_]+)(?:[/?#].*)?', meant: '$2.$1' },
    { pattern: '(?:https?://)?app\\.snowflake\\.com/([A-Za-z0-9]+)/([A-Za-z0-9_]+)(?:[/?#].*)?', meant: '$1-$2' },
  ],
}

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
      form: ACCOUNT_ID,
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
      passphraseOf: 'private_key',
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
      description: "Host or host:port to connect to instead of the account's default.",
      allowsPort: true,
    },
  },
  rules: [
    { kind: 'one-of', fields: ['password', 'private_key'] },
    { kind: 'needs', field: 'private_key_passphrase', needs: 'private_key' },
  ],
}
