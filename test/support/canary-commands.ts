import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { CANARIES, canaryAccount, canaryKey } from './canaries.ts'
import { hold } from './faults.ts'
import type { ProxiedSite } from './proxied-site.ts'
import type { RunOptions, RunResult } from './run.ts'
import { STEPS } from './steps.ts'

// Commands with a canary for every secret.

export const postgres = {
  type: 'postgres',
  host: 'db.example.com',
  username: 'u',
  default_database: 'd',
  password: CANARIES.request,
}
export const tunnel = {
  jump_host: 'j',
  ssh_username: 'u',
  ssh_private_key: canaryKey,
  ssh_private_key_passphrase: CANARIES.passphrase,
}
/** One request for each kind of secret. */
export const REQUESTS = [
  { ...postgres, ...tunnel },
  { type: 'databricks', host: 'h', api_key: CANARIES.apiKey, warehouse_id: 'w', default_catalog: 'c' },
  { type: 'bigquery', service_account_key: canaryAccount, default_dataset: 'd' },
  {
    type: 'snowflake',
    account_id: 'a',
    warehouse_id: 'w',
    username: 'u',
    private_key: canaryKey,
    private_key_passphrase: CANARIES.passphrase,
    default_database: 'd',
  },
]
export const named = (request: object) => ({ name: randomUUID(), env: 'dev', ...request })

export interface Call {
  readonly args: readonly string[]
  readonly stdin?: string
}

/** The data sources of REQUESTS, a folder with secrets in files, and the Vault mount. */
interface Sources {
  readonly ids: readonly string[]
  readonly secrets: string
  readonly mount: string
}

const flags = ['--env', 'dev', '--type', 'postgres', '--host', 'h', '--username', 'u', '--default-database', 'd']
/** A create with options for its secrets. */
export const create = (...more: string[]): Call => ({
  args: ['create', randomUUID(), ...flags, ...more],
  stdin: CANARIES.stdin,
})
/** Every command that reads, with arguments. */
export const readCommands = ({ ids, ids: [one = '', two = ''] }: Sources): Call[] => [
  { args: ['list'] },
  { args: ['list', '--all', '--search', 'x'] },
  ...ids.map(id => ({ args: ['get', id] })),
  { args: ['get', randomUUID()] },
  { args: ['types'] },
  { args: ['types', 'snowflake'] },
  { args: ['types', '--schema', 'answer'] },
  { args: ['config', 'list'] },
  { args: ['config', 'get', 'database.url'] },
  { args: ['config', 'profiles'] },
  { args: ['config', 'path'] },
  { args: ['init', '--check'] },
  { args: ['whoami'] },
  { args: ['doctor'] },
  { args: ['doctor', '--deep'] },
  { args: ['member', 'list'] },
  { args: ['audit', '--all'] },
  { args: ['get', one, two] },
  { args: ['export'] },
  { args: ['export', '--to-env', 'next'] },
  { args: ['diff', '-f', '-'], stdin: JSON.stringify([named(postgres), named(REQUESTS[3] ?? {})]) },
  { args: ['test', one, two, '--timeout', '1'] },
  { args: ['test', '-f', '-', '--timeout', '1'], stdin: JSON.stringify(named({ ...postgres, ...tunnel })) },
]

/** Every command that changes something, with secrets from every kind of source. */
export const changeCommands = ({ ids: [one = '', two = '', three = ''], secrets, mount }: Sources): Call[] => [
  { args: ['create', '-f', '-'], stdin: JSON.stringify(named({ ...postgres, ...tunnel })) },
  { args: ['create', '-f', '-', '--dry-run'], stdin: JSON.stringify(named(postgres)) },
  {
    args: ['create', '-f', '-'],
    stdin: JSON.stringify(named({ ...postgres, password: { from: 'env:DSCTL_SECRET_P' } })),
  },
  create('--password', '-'),
  create('--password', `@${secrets}/password`),
  create('--password', 'env:SECRET'),
  create('--password', `vault:${mount}/data-sources/${one}#password`),
  create('--password', '-', '--jump-host', 'j', '--ssh-username', 'u', '--ssh-private-key', `@${secrets}/key`),
  {
    args: [
      'create',
      randomUUID(),
      '--env',
      'dev',
      '--type',
      'bigquery',
      '--service-account-key',
      `@${secrets}/account`,
      '--default-dataset',
      'd',
    ],
  },
  { args: ['update', one, '--password', '-'], stdin: `${CANARIES.stdin}${randomUUID()}` },
  { args: ['update', one, '--password', '-', '--dry-run'], stdin: CANARIES.stdin },
  { args: ['update', two, '--api-key', '-'], stdin: `${CANARIES.stdin}${randomUUID()}` },
  {
    args: ['update', three, '-f', '-'],
    stdin: JSON.stringify({ service_account_key: { ...canaryAccount, client_id: randomUUID() } }),
  },
  { args: ['update', one, '--set-env', randomUUID()] },
  { args: ['update', one, '--unset', 'default_schema'] },
  { args: ['delete', randomUUID(), randomUUID(), '--yes'] },
  { args: ['doctor', '--fix'] },
  { args: ['apply', '-f', '-'], stdin: JSON.stringify(REQUESTS.map(named)) },
  { args: ['apply', '-f', '-', '--dry-run'], stdin: JSON.stringify(REQUESTS.map(named)) },
  { args: ['create', '-f', '-', '--verify', '--timeout', '1'], stdin: JSON.stringify(named(postgres)) },
  { args: ['onboarding', two, 'inProgress'] },
  { args: ['onboarding', two, 'failed', '--error', 'It does not answer.'] },
]

/** Commands with mistakes. If possible, the secret is part of the mistake. */
export const mistakenCommands = ({ ids: [one = ''], secrets }: Sources): Call[] => [
  create('--password', CANARIES.mistake),
  create(`--password=${CANARIES.mistake}`),
  create(`--pasword=${CANARIES.mistake}`),
  create(`--pasword='${CANARIES.mistake}'`),
  create(`-p${CANARIES.mistake}`),
  create('--password', '-', '--port', CANARIES.mistake),
  create('--password', '-', '--host', `postgres://u:${CANARIES.mistake}@h/d`),
  create('--password', '-', '--jump-host', 'j'),
  create('--password', `@${secrets}/key`),
  create('--password', '-', '--jump-host', 'j', '--ssh-username', 'u', '--ssh-private-key', `@${secrets}/password`),
  { args: ['create', '-f', '-'], stdin: `{"password": "${CANARIES.mistake}` },
  { args: ['create', '-f', '-'], stdin: `password: "${CANARIES.mistake}` },
  { args: ['create', '-f', '-'], stdin: `password: {{ ${CANARIES.mistake} }}\n` },
  { args: ['create', '-f', '-'], stdin: `? [${CANARIES.mistake}]\n: x\n` },
  { args: ['create', '-f', '-'], stdin: `password: !vault ${CANARIES.mistake}\n` },
  { args: ['create', '-f', '-'], stdin: JSON.stringify(named({ ...postgres, host: { from: CANARIES.mistake } })) },
  { args: ['create', '-f', '-'], stdin: JSON.stringify(named({ ...postgres, password: { from: CANARIES.mistake } })) },
  {
    args: ['create', '-f', '-'],
    stdin: JSON.stringify(named({ ...postgres, password: `${CANARIES.mistake}\n${CANARIES.request}` })),
  },
  {
    args: ['create', '-f', '-'],
    stdin: JSON.stringify(named({ ...postgres, port: CANARIES.mistake, ssl_ca: CANARIES.mistake })),
  },
  {
    args: ['create', '-f', '-'],
    stdin: JSON.stringify(named({ type: 'bigquery', service_account_key: CANARIES.mistake })),
  },
  { args: ['update', one, '--password', CANARIES.mistake] },
  { args: ['update', one, '-f', '-'], stdin: JSON.stringify({ ...tunnel, ssh_private_key: CANARIES.mistake }) },
  {
    args: ['update', one, '-f', '-'],
    stdin: JSON.stringify({ db_type: 'postgres', password: CANARIES.mistake, credentials: {} }),
  },
  { args: ['config', 'set', 'database.url', `postgres://u:${CANARIES.mistake}@h/d`] },
  { args: ['init', '--database-url', `postgres://u:1/${CANARIES.mistake}@h/d`] },
  { args: ['login', '--method', 'userpass', '--username', 'u', '--password', CANARIES.mistake] },
  { args: ['login', '--token', CANARIES.mistake] },
  { args: ['apply', '-f', '-'], stdin: JSON.stringify([named({ ...postgres, port: CANARIES.mistake })]) },
  { args: ['apply', '-f', '-'], stdin: `[{"password": "${CANARIES.mistake}` },
  { args: ['diff', '-f', '-'], stdin: JSON.stringify([named({ ...postgres, pasword: CANARIES.mistake })]) },
  { args: ['test', '-f', '-'], stdin: JSON.stringify(named({ ...postgres, password: { from: CANARIES.mistake } })) },
]

export const FORMATS = ['table', 'json', 'yaml', 'name', 'id']

/** Runs each command in each format. Returns the exit codes. */
export async function runAll(
  run: (args: readonly string[], options: RunOptions) => Promise<RunResult>,
  calls: readonly Call[],
  formats: readonly string[],
  more: RunOptions & { args?: string[] } = {},
) {
  const codes: (number | null)[] = []
  for (const { args, stdin } of calls) {
    for (const format of formats) {
      // As a setting, a format applies to every command. One without names or ids prints a table.
      const options = { ...more, env: { ...more.env, DSCTL_OUTPUT: format }, ...(stdin !== undefined && { stdin }) }
      const { code } = await run([...args, ...(more.args ?? [])], options)
      codes.push(code)
    }
  }
  return codes
}

/** Delays the answer to the secret write of a create. `seen` waits for the write. */
export function holdSecretWrite(proxied: ProxiedSite) {
  const { release, ...held } = hold()
  proxied.vault.at(STEPS.create[1].which, held)
  const before = proxied.vault.exchanges.length
  const isThere = () => proxied.vault.exchanges.slice(before).some(({ method }) => method === 'POST')
  const seen = () => expect.poll(isThere, { timeout: 10_000 }).toBe(true)
  return { seen, release }
}

/** A script that throws on a signal, as a driver might in a callback. */
export const THROWER = `process.on('SIGUSR2', () => new Function('secret', process.env.THROWN)(process.env.SECRET))`

/** An environment in which every secret is a canary. */
export function canaryEnvironment(proxied: ProxiedSite, temporaryFolder: string): Record<string, string | undefined> {
  return {
    ...proxied.env,
    DSCTL_DATABASE_URL: withPassword(proxied.postgres.url),
    TMPDIR: temporaryFolder,
    SECRET: CANARIES.variable,
    DSCTL_SECRET_P: CANARIES.variable,
    PGPASSWORD: CANARIES.database,
  }
}

/** The database's URL with a password that the server does not check. */
export function withPassword(url: string): string {
  const secret = new URL(url)
  secret.password = CANARIES.database
  return secret.href
}
