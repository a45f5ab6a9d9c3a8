import { invalid, safeKey } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'

/** A setting that a profile may hold, the environment may override, and a flag, where it has one, overrides again. */
export interface SettingKey {
  readonly key: string
  /** Environment variables, the first that is set counts. */
  readonly env: readonly string[]
  /** The name of the global option, as commander spells it. */
  readonly flag?: string
  readonly default?: string
  readonly description: string
}

/** Every setting there is. */
export const SETTING_KEYS = [
  {
    key: 'database.url',
    env: ['DSCTL_DATABASE_URL', 'DATABASE_URL'],
    flag: 'databaseUrl',
    description: 'the application’s Postgres; without it the PG* variables count',
  },
  {
    key: 'database.vaultRole',
    env: ['DSCTL_DATABASE_VAULT_ROLE'],
    description: 'a role of Vault’s database engine that issues the credentials for Postgres',
  },
  { key: 'vault.addr', env: ['VAULT_ADDR'], flag: 'vaultAddr', description: 'the address of Vault' },
  { key: 'vault.namespace', env: ['VAULT_NAMESPACE'], description: 'a namespace of Vault' },
  { key: 'vault.caCert', env: ['VAULT_CACERT'], description: 'a file with the certificate of Vault’s authority' },
  {
    key: 'vault.mount',
    env: ['DSCTL_VAULT_MOUNT'],
    flag: 'vaultMount',
    default: 'secret',
    description: 'a KV version 2 mount',
  },
  {
    key: 'vault.path',
    env: ['DSCTL_VAULT_PATH'],
    flag: 'vaultPath',
    default: 'data-sources/{id}',
    description: 'where in the mount; {organization_id} may stand in it',
  },
  { key: 'org', env: ['DSCTL_ORG'], flag: 'org', description: 'the organization, by name or UUID' },
  {
    key: 'env',
    env: ['DSCTL_ENV'],
    flag: 'env',
    description: 'the env of new data sources, and where names are looked up',
  },
  { key: 'user', env: ['DSCTL_USER'], flag: 'user', description: 'who is asking, with a root token' },
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
    description: 'what request files may name besides, as `--allow-from`; several with spaces between',
  },
  {
    key: 'audit.reads',
    env: ['DSCTL_AUDIT_READS'],
    default: 'on',
    description: 'on or off: whether get is written to the audit trail',
  },
] as const satisfies readonly SettingKey[]

export type SettingName = (typeof SETTING_KEYS)[number]['key']

export function findSettingKey(name: string): (SettingKey & { key: SettingName }) | undefined {
  return SETTING_KEYS.find(({ key }) => key === name)
}

/** The setting of that name; throws `invalid`, with the one that was probably meant. */
export function getSettingKey(name: string): SettingKey & { key: SettingName } {
  const setting = findSettingKey(name)
  if (setting) return setting
  const names = SETTING_KEYS.map(({ key }) => key)
  const near = findClosest(name, names)
  throw invalid(
    `There is no setting ${safeKey(name)}.`,
    [],
    near ? `Did you mean ${near}?` : `They are ${names.join(', ')}.`,
  )
}

/** What else dsctl takes from the environment, beside the settings that have a variable. */
export const OTHER_VARIABLES: readonly (readonly [names: string, meaning: string])[] = [
  ['DSCTL_PROFILE', 'the profile of settings, as --profile'],
  ['DSCTL_CONFIG_DIR', 'the folder of the settings file'],
  ['DSCTL_HOME', 'the folder of the embedded profile'],
  ['VAULT_TOKEN', 'the Vault token; without it ~/.vault-token, which is in HOME'],
  ['VAULT_ROLE_ID, VAULT_SECRET_ID', 'an AppRole to log in with where there is no VAULT_TOKEN'],
  ['PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD', 'what the database URL leaves out, or all of it'],
  ['PGSERVICE, PGSERVICEFILE, PGSYSCONFDIR', 'a connection service of libpq'],
  ['PGSSLMODE, PGSSLROOTCERT, PGPASSFILE', 'as libpq has them'],
  ['DSCTL_NO_INPUT, CI', 'where one is set, nobody is asked'],
  ['NO_COLOR, FORCE_COLOR, TERM', 'colours off, or on; none at TERM=dumb'],
]
