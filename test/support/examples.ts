import { certificate, fingerprint, openSshKey, serviceAccount } from '../unit/source-types/samples.ts'

/** A request's fields (without name, env and type), the secret stored for it, and the credentials in the output. */
export interface Example {
  readonly title: string
  readonly type: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly stored: Readonly<Record<string, unknown>>
  readonly shown: Readonly<Record<string, unknown>>
}

const HIDDEN = '[REDACTED]'
const PASSWORD = ' MARKERpassword '

/** Secrets of each kind. None may be printed. `openSshKey` contains MARKERkeybody. */
export const secrets = { password: PASSWORD, token: 'MARKERtoken', key: openSshKey, serviceAccount } as const

/** A complete request: postgres through a jump host. */
export const mainRequest = {
  name: 'Production PostgreSQL',
  env: 'production',
  type: 'postgres',
  host: 'db.example.com',
  port: 5432,
  username: 'db_user',
  password: PASSWORD,
  default_database: 'main_db',
  default_schema: 'public',
  jump_host: 'jump.example.com',
  ssh_username: 'ssh_user',
  ssh_private_key: openSshKey,
} as const

/** The credentials in its output. */
export const mainShown = {
  host: 'db.example.com',
  port: 5432,
  username: 'db_user',
  password: HIDDEN,
  database: 'main_db',
  schemas: ['public'],
  jump_host: 'jump.example.com',
  ssh_username: 'ssh_user',
  ssh_private_key: HIDDEN,
  ssh_port: 22,
} as const

/** The secret that is stored for it. */
export const mainStored = {
  type: 'postgres',
  host: 'db.example.com',
  port: 5432,
  username: 'db_user',
  password: PASSWORD,
  default_database: 'main_db',
  default_schema: 'public',
  jump_host: 'jump.example.com',
  ssh_username: 'ssh_user',
  ssh_private_key: openSshKey,
  ssh_port: 22,
} as const

/** Only the required fields of a postgres source. */
export const plainFields = {
  host: 'db.example.com',
  username: 'db_user',
  password: PASSWORD,
  default_database: 'main_db',
} as const

export const plainStored = {
  type: 'postgres',
  host: 'db.example.com',
  port: 5432,
  username: 'db_user',
  password: PASSWORD,
  default_database: 'main_db',
} as const

const login = { username: 'db_user', password: PASSWORD }
const shownLogin = { username: 'db_user', password: HIDDEN }

/** An example of each type and login method. Together they use every field kind, default and alias. */
export const examples: readonly Example[] = [
  {
    title: 'postgres with a tunnel',
    type: 'postgres',
    fields: without(mainRequest, ['name', 'env', 'type']),
    stored: mainStored,
    shown: mainShown,
  },
  {
    title: 'mysql with TLS and a pool, numbers given as digits',
    type: 'mysql',
    fields: {
      host: '10.0.0.7',
      port: '3307',
      ...login,
      default_database: 'shop',
      ssl_mode: 'verify-ca',
      ssl_ca: certificate,
      max_connections: '10',
      connect_timeout_seconds: 5,
      idle_timeout_seconds: 0,
    },
    stored: {
      type: 'mysql',
      host: '10.0.0.7',
      port: 3307,
      ...login,
      default_database: 'shop',
      ssl_mode: 'verify-ca',
      ssl_ca: certificate,
      max_connections: 10,
      connect_timeout_seconds: 5,
      idle_timeout_seconds: 0,
    },
    shown: {
      host: '10.0.0.7',
      port: 3307,
      ...shownLogin,
      database: 'shop',
      ssl_mode: 'verify-ca',
      ssl_ca: certificate,
      max_connections: 10,
      connect_timeout_seconds: 5,
      idle_timeout_seconds: 0,
    },
  },
  {
    title: 'sqlserver under an alias, with defaults that are booleans',
    type: 'sqlserver',
    fields: {
      server: 'sql.example.com',
      ...login,
      database: 'erp',
      schema: 'dbo',
      instance: 'SQLEXPRESS',
      domain: 'CORP',
      trust_server_certificate: 'true',
    },
    stored: {
      type: 'sqlserver',
      host: 'sql.example.com',
      port: 1433,
      ...login,
      default_database: 'erp',
      default_schema: 'dbo',
      instance: 'SQLEXPRESS',
      domain: 'CORP',
      encrypt: true,
      trust_server_certificate: true,
    },
    shown: {
      host: 'sql.example.com',
      port: 1433,
      ...shownLogin,
      database: 'erp',
      schemas: ['dbo'],
      instance: 'SQLEXPRESS',
      domain: 'CORP',
      encrypt: true,
      trust_server_certificate: true,
    },
  },
  {
    title: 'redshift with its schema as a list with one item',
    type: 'redshift',
    fields: { host: 'cluster.example.com', ...login, default_database: 'dwh', schemas: ['analytics'] },
    stored: {
      type: 'redshift',
      host: 'cluster.example.com',
      port: 5439,
      ...login,
      default_database: 'dwh',
      default_schema: 'analytics',
    },
    shown: { host: 'cluster.example.com', port: 5439, ...shownLogin, database: 'dwh', schemas: ['analytics'] },
  },
  {
    title: 'databricks',
    type: 'databricks',
    fields: { host: 'x.cloud.databricks.com', api_key: secrets.token, warehouse_id: 'abc123', default_catalog: 'main' },
    stored: {
      type: 'databricks',
      host: 'x.cloud.databricks.com',
      api_key: secrets.token,
      warehouse_id: 'abc123',
      default_catalog: 'main',
    },
    shown: { host: 'x.cloud.databricks.com', api_key: HIDDEN, warehouse_id: 'abc123', default_catalog: 'main' },
  },
  {
    title: 'snowflake with a password',
    type: 'snowflake',
    fields: { account_id: 'org-acc', warehouse_id: 'COMPUTE_WH', ...login, role: 'ANALYST', default_database: 'DB' },
    stored: {
      type: 'snowflake',
      account_id: 'org-acc',
      warehouse_id: 'COMPUTE_WH',
      ...login,
      role: 'ANALYST',
      default_database: 'DB',
    },
    shown: { account_id: 'org-acc', warehouse_id: 'COMPUTE_WH', ...shownLogin, role: 'ANALYST', database: 'DB' },
  },
  {
    title: 'snowflake with a key pair',
    type: 'snowflake',
    fields: {
      account_id: 'org-acc',
      warehouse_id: 'COMPUTE_WH',
      username: 'db_user',
      private_key_pem: openSshKey,
      private_key_passphrase: PASSWORD,
      default_database: 'DB',
      default_schema: 'PUBLIC',
      custom_host: 'sf.example.com',
    },
    stored: {
      type: 'snowflake',
      account_id: 'org-acc',
      warehouse_id: 'COMPUTE_WH',
      username: 'db_user',
      private_key: openSshKey,
      private_key_passphrase: PASSWORD,
      default_database: 'DB',
      default_schema: 'PUBLIC',
      custom_host: 'sf.example.com',
    },
    shown: {
      account_id: 'org-acc',
      warehouse_id: 'COMPUTE_WH',
      username: 'db_user',
      private_key: HIDDEN,
      private_key_passphrase: HIDDEN,
      database: 'DB',
      schemas: ['PUBLIC'],
      custom_host: 'sf.example.com',
    },
  },
  {
    title: 'bigquery, whose project is in its key',
    type: 'bigquery',
    fields: { credentials_json: JSON.stringify(serviceAccount), default_dataset_id: 'sales', location: 'EU' },
    stored: {
      type: 'bigquery',
      service_account_key: serviceAccount,
      project_id: 'key-project',
      default_dataset: 'sales',
      location: 'EU',
    },
    shown: { service_account_key: HIDDEN, project_id: 'key-project', default_dataset: 'sales', location: 'EU' },
  },
  {
    title: 'bigquery with its key as an object and another project',
    type: 'bigquery',
    fields: { service_account_key: serviceAccount, project_id: 'billing', default_dataset: 'sales' },
    stored: {
      type: 'bigquery',
      service_account_key: serviceAccount,
      project_id: 'billing',
      default_dataset: 'sales',
    },
    shown: { service_account_key: HIDDEN, project_id: 'billing', default_dataset: 'sales' },
  },
  {
    title: 'mariadb through a tunnel with everything',
    type: 'mariadb',
    fields: {
      host: 'db.internal',
      ...login,
      default_database: 'shop',
      jump_host: 'jump.example.com',
      ssh_port: 2222,
      ssh_username: 'ssh_user',
      ssh_private_key: openSshKey,
      ssh_private_key_passphrase: PASSWORD,
      ssh_host_key: fingerprint,
    },
    stored: {
      type: 'mysql',
      host: 'db.internal',
      port: 3306,
      ...login,
      default_database: 'shop',
      jump_host: 'jump.example.com',
      ssh_username: 'ssh_user',
      ssh_private_key: openSshKey,
      ssh_private_key_passphrase: PASSWORD,
      ssh_port: 2222,
      ssh_host_key: fingerprint,
    },
    shown: {
      host: 'db.internal',
      port: 3306,
      ...shownLogin,
      database: 'shop',
      jump_host: 'jump.example.com',
      ssh_username: 'ssh_user',
      ssh_private_key: HIDDEN,
      ssh_private_key_passphrase: HIDDEN,
      ssh_port: 2222,
      ssh_host_key: fingerprint,
    },
  },
  {
    title: 'supabase',
    type: 'supabase',
    fields: { host: 'db.x.supabase.co', ...login, default_database: 'postgres', ssl_mode: 'require' },
    stored: {
      type: 'postgres',
      host: 'db.x.supabase.co',
      port: 5432,
      ...login,
      default_database: 'postgres',
      ssl_mode: 'require',
    },
    shown: { host: 'db.x.supabase.co', port: 5432, ...shownLogin, database: 'postgres', ssl_mode: 'require' },
  },
]

function without(request: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(request).filter(([key]) => !keys.includes(key)))
}
