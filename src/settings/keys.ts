import { invalid, safeKey } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import { vaultNames } from './vault-variable.ts'

/** The options that override a setting. */
export interface SettingFlags {
  readonly profile?: string | undefined
  readonly databaseUrl?: string | undefined
  readonly vaultAddr?: string | undefined
  readonly vaultMount?: string | undefined
  readonly vaultPath?: string | undefined
  readonly org?: string | undefined
  readonly env?: string | undefined
  readonly user?: string | undefined
  readonly output?: string | undefined
}

/** A setting. A flag, if it has one, overrides the environment, which overrides the profile. */
export interface SettingKey {
  readonly key: string
  /** Environment variables; the first one that is set applies. */
  readonly env: readonly string[]
  /**
   * The variable in `env` that other programs also use. --profile overrides it, and a URL of another kind is ignored.
   */
  readonly sharedVariable?: string
  /** The option that overrides the setting, in camel case. */
  readonly flag?: keyof SettingFlags
  readonly default?: string
  readonly description: string
}

/** All settings. */
export const SETTING_KEYS = [
  {
    key: 'database.url',
    env: ['DSCTL_DATABASE_URL', 'DATABASE_URL'],
    sharedVariable: 'DATABASE_URL',
    flag: 'databaseUrl',
    description:
      'URL of the application’s Postgres; if not set, the PG* variables apply. --profile overrides DATABASE_URL, which is ignored if it is not for Postgres',
  },
  {
    key: 'database.vaultRole',
    env: ['DSCTL_DATABASE_VAULT_ROLE'],
    description: 'role of Vault’s database engine that issues the Postgres credentials',
  },
  {
    key: 'vault.addr',
    env: [...vaultNames('AGENT_ADDR'), ...vaultNames('ADDR')],
    flag: 'vaultAddr',
    description: 'address of Vault, or of its agent or proxy',
  },
  { key: 'vault.namespace', env: vaultNames('NAMESPACE'), description: 'Vault namespace' },
  { key: 'vault.caCert', env: vaultNames('CACERT'), description: 'file with Vault’s CA certificate' },
  {
    key: 'vault.mount',
    env: ['DSCTL_VAULT_MOUNT'],
    flag: 'vaultMount',
    default: 'secret',
    description: 'KV version 2 mount',
  },
  {
    key: 'vault.path',
    env: ['DSCTL_VAULT_PATH'],
    flag: 'vaultPath',
    default: 'data-sources/{id}',
    description: 'path in the mount; may contain {organization_id}',
  },
  { key: 'org', env: ['DSCTL_ORG'], flag: 'org', description: 'organization, by name or UUID' },
  {
    key: 'env',
    env: ['DSCTL_ENV'],
    flag: 'env',
    description: 'env of new data sources, and the env in which names are looked up',
  },
  { key: 'user', env: ['DSCTL_USER'], flag: 'user', description: 'user to act as, with a root token' },
  {
    key: 'output',
    env: ['DSCTL_OUTPUT'],
    flag: 'output',
    default: 'table',
    description: 'table, json, yaml, name or id',
  },
  {
    key: 'secrets.allowFrom',
    env: ['DSCTL_ALLOW_FROM'],
    description: 'further secret sources for request files, as with --allow-from; separated by spaces',
  },
  {
    key: 'audit.reads',
    env: ['DSCTL_AUDIT_READS'],
    default: 'on',
    description: 'on or off: whether get is recorded in the audit trail',
  },
] as const satisfies readonly SettingKey[]

export type SettingName = (typeof SETTING_KEYS)[number]['key']

export function findSettingKey(name: string): (SettingKey & { key: SettingName }) | undefined {
  return SETTING_KEYS.find(({ key }) => key === name)
}

/** The setting with this name. Throws `invalid`, and suggests a setting with a similar name. */
export function getSettingKey(name: string): SettingKey & { key: SettingName } {
  const setting = findSettingKey(name)
  if (setting) return setting
  const names = SETTING_KEYS.map(({ key }) => key)
  const near = findClosest(name, names)
  throw invalid(
    `Unknown setting ${safeKey(name)}.`,
    [],
    near ? `Did you mean ${near}?` : `Settings: ${names.join(', ')}.`,
  )
}

/** Environment variables that dsctl reads, apart from those of settings. */
export const OTHER_VARIABLES: readonly (readonly [names: string, meaning: string])[] = [
  ['DSCTL_PROFILE', 'profile to use, as with --profile'],
  ['DSCTL_CONFIG_DIR', 'folder of the settings file'],
  ['DSCTL_HOME', 'folder of the embedded profile'],
  ['VAULT_TOKEN', 'Vault token; if not set, that of the token helper or of ~/.vault-token in HOME'],
  [
    'VAULT_CONFIG_PATH, VAULT_TOKEN_PATH',
    'files that replace ~/.vault, which names a token helper, and ~/.vault-token',
  ],
  ['VAULT_CLIENT_TIMEOUT', 'timeout of each backend call, unless --timeout is given'],
  ['VAULT_MAX_RETRIES, VAULT_DISABLE_REDIRECTS, VAULT_HEADERS', 'as in the Vault command'],
  ['VAULT_CACERT_BYTES, VAULT_CAPATH', 'Vault’s CA certificate as text, or a folder of them'],
  ['VAULT_CLIENT_CERT, VAULT_CLIENT_KEY, VAULT_TLS_SERVER_NAME', 'as in the Vault command'],
  ['VAULT_PROXY_ADDR, VAULT_HTTP_PROXY, HTTPS_PROXY, HTTP_PROXY, NO_PROXY', 'proxy to reach Vault through'],
  ['VAULT_ROLE_ID, VAULT_SECRET_ID', 'AppRole to log in with if VAULT_TOKEN is not set'],
  ['PG*', 'variables of libpq, such as PGHOST, for parameters that the database URL does not contain'],
  ['DSCTL_NO_INPUT, CI', 'if one is set, dsctl never prompts'],
  ['NO_COLOR, FORCE_COLOR, TERM', 'turn colours off or on; TERM=dumb turns them off'],
]
