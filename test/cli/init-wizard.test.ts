import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dsctl, temporaryFolder } from '../support/run.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from '../support/servers.ts'
import { type TerminalOptions, terminal } from '../support/terminal.ts'
import type { ScratchVault } from '../support/vault.ts'

// The prompts of `dsctl init`, at several kinds of terminals.

let vault: ScratchVault
let database: ScratchDatabase
let home: string

beforeAll(async () => {
  vault = await scratchVault()
})
afterAll(() => vault?.drop())
beforeEach(async () => {
  database = await scratchDatabase()
  home = temporaryFolder()
})
afterEach(() => database.drop())

const open = (args: readonly string[], env: TerminalOptions['env'] = {}, more: TerminalOptions = {}) =>
  terminal(['init', ...args], { home, env, ...more })
const profiles = () => JSON.parse(readFileSync(join(home, 'dsctl-config/config.json'), 'utf8'))
const tables = async () => database.query(`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)

describe.each<[string, TerminalOptions]>([
  ['80 columns', { columns: 80 }],
  ['200 columns', { columns: 200 }],
  ['a dumb terminal', { columns: 80, env: { TERM: 'dumb' } }],
])('At %s', (_, options) => {
  test('asks for everything without settings, and prints the next command', async () => {
    const token = await vault.userToken({ email: 'ada@example.com', policies: [await fullPolicy()] })
    const screen = open([], options.env, { columns: options.columns ?? 80 })
    await screen.waitFor('Postgres: not set')
    await screen.waitFor('Vault: not set')
    await screen.waitFor('Vault token: not set')
    await screen.waitFor('Where should data sources be stored?')
    await screen.waitFor('without a server (embedded)')
    screen.press('enter')
    await screen.waitFor('Database URL:')
    screen.type('postgres://u:MARKERpassword@h/d\n')
    await screen.waitFor('must not contain a password')
    screen.type(`\u0015${database.url}\n`)
    await screen.waitFor('Vault address:')
    screen.type('vault.example.com\n')
    await screen.waitFor('must look like https://')
    screen.type(`\u0015${vault.addr}\n`)
    await screen.waitFor('Vault mount (KV version 2): (secret)')
    screen.type(`${vault.mount}\n`)
    await screen.waitFor('Vault token')
    screen.type(`${token}\n`)
    await screen.waitFor('Name of the first organization:')
    screen.type('Acme\n')
    await screen.waitFor('E-mail address of its workspace_admin:')
    screen.type('ada\n')
    await screen.waitFor('must be an e-mail address')
    screen.type('@example.com\n')
    await screen.waitFor('Saved the settings as profile default.')
    await screen.waitFor('Next: dsctl create\n')
    expect(await screen.exit).toMatchObject({ code: 0 })
    expect(screen.text()).not.toContain(token)
    const kept = join(home, '.vault-token')
    expect(readFileSync(kept, 'utf8').trim()).toBe(token)
    expect(statSync(kept).mode & 0o777).toBe(0o600)
    const saved = { 'database.url': database.url, 'vault.addr': vault.addr, 'vault.mount': vault.mount, org: 'Acme' }
    expect(profiles().profiles).toEqual({ default: saved })
    expect(await dsctl(['list', '-o', 'json'], { home })).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' })
  })
})

async function fullPolicy(): Promise<string> {
  const all = 'capabilities = ["create", "read", "update", "delete", "list"]'
  return vault.createPolicy('all', `path "${vault.mount}/*" { ${all} }\npath "identity/entity/id/*" { ${all} }`)
}

test('Shows settings of the environment without passwords, instead of asking for them', async () => {
  const url = new URL(database.url)
  url.password = 'MARKERpassword'
  const env = { DATABASE_URL: url.href, VAULT_ADDR: vault.addr, VAULT_TOKEN: vault.rootToken }
  const screen = open(['--vault-mount', vault.mount], env)
  await screen.waitFor(/^Postgres: postgres:\/\/\[REDACTED\]@.* \(environment DATABASE_URL\)$/m)
  await screen.waitFor(`Vault: ${vault.addr} (environment VAULT_ADDR)`)
  await screen.waitFor('Vault token: VAULT_TOKEN')
  await screen.waitFor('Name of the first organization:')
  screen.type('Acme\n')
  await screen.waitFor('E-mail address of its workspace_admin:')
  screen.type('ada@example.com\n')
  await screen.waitFor('database.url was not saved')
  await screen.waitFor('The Vault token has no e-mail address')
  await screen.waitFor('Next: dsctl config set user ada@example.com\n')
  expect(await screen.exit).toMatchObject({ code: 0 })
  expect(screen.text()).not.toMatch(/MARKER|Database URL:|Vault address:|Vault mount/)
  const next = await dsctl(['config', 'set', 'user', 'ada@example.com'], { home })
  expect(next).toMatchObject({ code: 0 })
  expect(await dsctl(['list', '-o', 'json'], { home, env })).toMatchObject({ code: 0, stdout: '[]\n' })
})

test('Asks only for the one missing server', async () => {
  const screen = open(['--org', 'Acme', '--admin', 'ada@example.com', '--profile', 'staging'], {
    ...{ VAULT_ADDR: vault.addr, DSCTL_VAULT_MOUNT: vault.mount, VAULT_TOKEN: vault.rootToken },
  })
  await screen.waitFor('Database URL:')
  screen.type(`${database.url}\n`)
  await screen.waitFor('Next: dsctl config set user ada@example.com --profile staging\n')
  expect(await screen.exit).toMatchObject({ code: 0 })
  expect(screen.text()).not.toMatch(/Vault address:|Vault mount|Name of the first/)
})

test('Uses the embedded profile from then on, without further prompts', async () => {
  const data = { DSCTL_HOME: join(home, 'data') }
  const screen = open([], data)
  await screen.waitFor('Where should data sources be stored?')
  await screen.waitFor('embedded')
  screen.press('down')
  screen.press('enter')
  await screen.waitFor('Using profile embedded from now on')
  await screen.waitFor('Next: dsctl create\n')
  expect(await screen.exit).toMatchObject({ code: 0 })
  expect(profiles()).toMatchObject({ current: 'embedded', profiles: {} })
  expect(await dsctl(['list', '-o', 'json'], { home, env: data })).toMatchObject({ code: 0, stdout: '[]\n' })
})

test('Changes nothing after Ctrl-C at any prompt', async () => {
  for (const [env, question] of [
    [{}, 'Where should data sources be stored?'],
    [{ VAULT_ADDR: vault.addr }, 'Database URL:'],
    [{ VAULT_ADDR: vault.addr, DATABASE_URL: database.url, DSCTL_VAULT_MOUNT: vault.mount }, 'Vault token'],
    [
      {
        VAULT_ADDR: vault.addr,
        DATABASE_URL: database.url,
        DSCTL_VAULT_MOUNT: vault.mount,
        VAULT_TOKEN: vault.rootToken,
      },
      'Name of the first organization:',
    ],
  ] as const) {
    const screen = open([], env)
    await screen.waitFor('Vault token:')
    await screen.waitFor(question)
    screen.press('ctrlC')
    expect(await screen.exit).toMatchObject({ code: 130 })
  }
  expect(await tables()).toEqual([])
  expect(existsSync(join(home, 'dsctl-config/config.json'))).toBe(false)
  expect(existsSync(join(home, '.vault-token'))).toBe(false)
})

test.each([
  [
    [
      'create',
      'x',
      '--env',
      'dev',
      '--type',
      'mysql',
      '--host',
      'h',
      '--username',
      'u',
      '--password',
      'env:HOME',
      '--default-database',
      'd',
    ],
  ],
  [['list']],
  [['get', 'x']],
  [['update', 'x', '--port', '1']],
  [['delete', 'x', '--yes']],
  [['test', 'x']],
  [['onboarding', 'x', 'inProgress']],
  [['export']],
  [['doctor']],
  [['init', '--yes']],
  [['login', '--token', 'env:HOME']],
  [['whoami']],
  [['member', 'list']],
  [['audit']],
])('Without settings, %s explains in three lines how to start', async args => {
  const { code, stdout, stderr } = await dsctl(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(
    /^dsctl: (database\.url|vault\.addr) is not set.*\nTo use servers, run dsctl init.*\nTo try dsctl without a server, .*--profile embedded.*\n$/,
  )
})
