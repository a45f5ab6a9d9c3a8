import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { json, temporaryFolder } from '../support/run.ts'
import { pathWithDsctl } from '../support/shell.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'
import { openProgram, type Terminal, type TerminalOptions, terminal } from '../support/terminal.ts'
import { openSshKey, pemKey } from '../unit/source-types/samples.ts'

// The prompts of `create` and `update`, at several kinds of terminals.

const PASSWORD = 'MARKER pass#word'
const CTRL_Z = '\u001a'
const CLEAR = '\u0015'
const ENTER = '\r'
const DOWN = '\u001b[B'
let site: Site
let keyFile: string

beforeAll(async () => {
  site = await createSite()
  keyFile = join(temporaryFolder(), 'key.pem')
  writeFileSync(keyFile, pemKey)
})
afterAll(() => site.drop())

const open = (args: readonly string[], more: TerminalOptions = {}) =>
  terminal(args, { home: site.home, ...more, env: { ...site.env, ...more.env } })
const unique = (name: string) => `${name} ${randomUUID().slice(0, 8)}`
const secretOf = async (id: string) => (await site.vault.readSecret(`data-sources/${id}`))?.data
const found = async (name: string) => json(await site.dsctl(['list', '--search', name, '-o', 'json']))

/** Waits for each question and answers it, in order. */
async function dialogue(screen: Terminal, ...turns: readonly (readonly [question: string | RegExp, keys: string])[]) {
  for (const [question, keys] of turns) {
    await screen.waitFor(question)
    screen.type(keys)
  }
}

async function saved(screen: Terminal, name: string): Promise<string> {
  expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
  const [{ id }] = await found(name)
  return id
}

describe.each<[string, TerminalOptions]>([
  ['80 columns', { columns: 80 }],
  ['200 columns', { columns: 200 }],
  ['a dumb terminal', { columns: 80, env: { TERM: 'dumb' } }],
])('create at %s', (_, options) => {
  test('finds the type by typing, asks for its fields, and masks the summary', async () => {
    const name = unique('Warehouse')
    const screen = open(['create'], options)
    await dialogue(
      screen,
      ['Type', 'snowf'],
      [/Snowflake \(snowflake\)\s*$/m, ENTER],
      ['Name:', `${name}${ENTER}`],
      ['Env:', `dev${ENTER}`],
      ['Account ID:', ENTER],
      ['a value is required', `myorg-account123${ENTER}`],
      ['Warehouse:', `wh${ENTER}`],
      ['Username:', `app${ENTER}`],
      ['Which one?', DOWN + ENTER],
      ['Private key: path to a file', `${keyFile}${ENTER}`],
      ['Private key passphrase (optional)', ENTER],
      ['Role (optional)', ENTER],
      ['Default database:', `main${ENTER}`],
      ['Default schema (optional)', ENTER],
      ['Custom host (optional)', ENTER],
      ['Save this data source?', DOWN + ENTER],
      ['Which field?', DOWN + DOWN + DOWN + ENTER],
      [/Warehouse: \(wh\)|Warehouse:/, `${CLEAR}other${ENTER}`],
      ['Save this data source?', ENTER],
    )
    const id = await saved(screen, name)
    expect(await secretOf(id)).toEqual({
      ...{ type: 'snowflake', account_id: 'myorg-account123', warehouse_id: 'other', username: 'app' },
      ...{ private_key: pemKey, default_database: 'main' },
    })
    expect(screen.text()).toMatch(/^Private key +\[REDACTED\]$/m)
    expect(screen.text()).not.toMatch(/BEGIN PRIVATE KEY|Jump host|Password:/)
  })
})

test('create asks only for fields without a flag, and for optional groups', async () => {
  const name = unique('Tunnel')
  const args = ['create', name, '--type', 'postgres', '--env', 'dev', '--host', 'db.example.com', '--username', 'u']
  const screen = open(args)
  await dialogue(
    screen,
    ['Port: (5432)', `99999${ENTER}`],
    ['must be a whole number from 1 to 65535', `${CLEAR}6000${ENTER}`],
    ['Password', `${PASSWORD}${ENTER}`],
    ['Default database:', `main${ENTER}`],
    ['Default schema (optional)', ENTER],
    ['Connect through an SSH jump host?', `y${ENTER}`],
    ['SSH jump host:', `jump.example.com${ENTER}`],
    ['SSH username:', `me${ENTER}`],
    ['SSH private key: path to a file, Enter to paste it', ENTER],
    ['Paste it now', `${openSshKey.replaceAll('\n', '\r')}.${ENTER}`],
    ['SSH private key passphrase (optional)', ENTER],
    ['SSH port: (22)', ENTER],
    ['SSH host key fingerprint (optional)', ENTER],
    ['More settings?', `y${ENTER}`],
    ['TLS mode', DOWN + DOWN + DOWN + ENTER],
    ['TLS CA certificates: path to a file', ENTER],
    ['Maximum connections', `7${ENTER}`],
    ['Connect timeout (seconds)', ENTER],
    ['Idle timeout (seconds)', ENTER],
    ['Save this data source?', ENTER],
  )
  const id = await saved(screen, name)
  expect(await secretOf(id)).toMatchObject({
    ...{ port: 6000, password: PASSWORD, jump_host: 'jump.example.com', ssh_private_key: openSshKey },
    ...{ ssl_mode: 'require', max_connections: 7 },
  })
  expect(screen.text()).not.toMatch(/MARKER|BEGIN|Host:|Username:|Env:/)
})

test('create reports an invalid flag before it asks', async () => {
  const screen = open(['create', 'x', '--type', 'postgres', '--port', 'abc'])
  expect(await screen.exit).toMatchObject({ code: 2 })
  expect(screen.text()).toMatch(/port: must be a whole number/)
  expect(screen.text()).not.toContain('Env:')
})

const REST = ['--type', 'postgres', '--env', 'dev', '--host', 'h', '--username', 'u', '--port', '1']

/** Answers everything up to the last question, including one secret. */
async function upToSave(screen: Terminal): Promise<void> {
  await dialogue(
    screen,
    ['Password', `${PASSWORD}${ENTER}`],
    ['Default database:', `main${ENTER}`],
    ['Default schema (optional)', ENTER],
    ['Connect through an SSH jump host?', ENTER],
    ['More settings?', ENTER],
  )
}

describe('The typed input', () => {
  test('is kept if the name is taken, and can be saved under another', async () => {
    const name = unique('Taken')
    await site.addDataSource({ name, env: 'dev' })
    const screen = open(['create', name, ...REST])
    await upToSave(screen)
    await dialogue(
      screen,
      ['Save this data source?', ENTER],
      [/There is already .*What next\?|What next\?/s, DOWN + ENTER],
      ['Which field?', ENTER],
      ['Name:', `${CLEAR}${name} 2${ENTER}`],
      ['Save this data source?', ENTER],
    )
    const id = await saved(screen, `${name} 2`)
    expect(await secretOf(id)).toMatchObject({ password: PASSWORD })
    expect(screen.text()).not.toContain('MARKER')
  })

  test.skipIf(ON_EMBEDDED)('is kept during an outage, and saving can be retried', async () => {
    const name = unique('Outage')
    const screen = open(['create', name, ...REST])
    await upToSave(screen)
    await screen.waitFor('Save this data source?')
    await site.database.query('ALTER TABLE data_sources RENAME TO data_sources_away')
    screen.type(ENTER)
    await screen.waitFor('What next?')
    await site.database.query('ALTER TABLE data_sources_away RENAME TO data_sources')
    await dialogue(screen, ['Give up', ENTER], ['Save this data source?', ENTER])
    expect(await secretOf(await saved(screen, name))).toMatchObject({ password: PASSWORD })
  })

  test('can be given up after a failure, with its exit code', async () => {
    const name = unique('Given up')
    await site.addDataSource({ name, env: 'dev' })
    const screen = open(['create', name, ...REST])
    await upToSave(screen)
    await dialogue(screen, ['Save this data source?', ENTER], ['What next?', DOWN + DOWN + ENTER])
    expect(await screen.exit).toMatchObject({ code: 6 })
    expect(await found(name)).toHaveLength(1)
  })

  test.each([
    ['the last question', 'Save this data source?', ''],
    ['the question after a failure', 'What next?', ENTER],
  ])('is discarded with Ctrl-C at %s', async (_, question, keys) => {
    const name = unique('Left')
    await site.addDataSource({ name, env: 'dev' })
    const screen = open(['create', name, ...REST])
    await upToSave(screen)
    if (keys) await dialogue(screen, ['Save this data source?', keys])
    await dialogue(screen, [question, '\u0003'])
    expect(await screen.exit).toMatchObject({ code: 130 })
    expect(await found(name)).toHaveLength(1)
  })

  test('is discarded by cancelling', async () => {
    const name = unique('Cancelled')
    const screen = open(['create', name, ...REST])
    await upToSave(screen)
    await dialogue(screen, ['Save this data source?', DOWN + DOWN + DOWN + ENTER])
    expect(await screen.exit).toMatchObject({ code: 130 })
    expect(screen.text()).toContain('Cancelled: nothing was written.')
    expect(await found(name)).toEqual([])
  })
})

describe.each<[string, TerminalOptions]>([
  ['80 columns', { columns: 80 }],
  ['a dumb terminal', { columns: 80, env: { TERM: 'dumb' } }],
])('update at %s', (_, options) => {
  test('shows current values without secrets, keeps them with Enter, and sends only changes', async () => {
    const stdin = JSON.stringify({ name: unique('Present'), env: 'dev', type: 'postgres', ...plainFields })
    const { id, credentials } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const before = await secretOf(id)
    const screen = open(['update', id], options)
    await dialogue(
      screen,
      [`Host: (${credentials.host})`, ENTER],
      ['Port: (5432)', `${CLEAR}6000${ENTER}`],
      ['Username: (', ENTER],
      ['Password (Enter keeps the stored one)', ENTER],
      ['Default database: (', ENTER],
      ['Default schema', ENTER],
      ['Connect through an SSH jump host?', ENTER],
      ['More settings?', ENTER],
      ['Save the changes to port?', DOWN + ENTER],
      ['Which field?', ENTER],
      ['Port: 6000', `${CLEAR}6001${ENTER}`],
      ['Save the changes to port?', ENTER],
    )
    expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
    await screen.waitFor('Changed: port.')
    expect(await secretOf(id)).toEqual({ ...before, port: 6001 })
    expect(screen.text()).not.toContain(String(before?.password))
  })
})

test.skipIf(ON_EMBEDDED)('the summary of an update masks a new secret, and an outage loses nothing', async () => {
  const stdin = JSON.stringify({ name: unique('Rotated'), env: 'dev', type: 'mysql', ...plainFields })
  const { id } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
  const screen = open(['update', id])
  await dialogue(
    screen,
    ['Host: (', ENTER],
    ['Port: (', ENTER],
    ['Username: (', ENTER],
    ['Password (Enter keeps', `${PASSWORD}${ENTER}`],
    ['Default database: (', ENTER],
    ['Connect through an SSH jump host?', ENTER],
    ['More settings?', ENTER],
  )
  await screen.waitFor(/^Password +\[REDACTED\]$/m)
  await screen.waitFor('Save the changes to password?')
  await site.database.query('ALTER TABLE data_sources RENAME TO data_sources_away')
  screen.type(ENTER)
  await screen.waitFor('What next?')
  await site.database.query('ALTER TABLE data_sources_away RENAME TO data_sources')
  await dialogue(screen, ['Give up', ENTER])
  expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
  expect(await secretOf(id)).toMatchObject({ password: PASSWORD })
  expect(screen.text()).not.toContain('MARKER')
})

describe('a secret from standard input, at a terminal', () => {
  test('is asked for, and never shown when typed or pasted', async () => {
    const stdin = JSON.stringify({ name: unique('Typed'), env: 'dev', type: 'mysql', ...plainFields })
    const { id } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const screen = open(['update', id, '--password', '-'])
    await dialogue(screen, ['? Password', `${PASSWORD}${ENTER}`])
    expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
    const tunnel = ['--jump-host', 'jump.example.com', '--ssh-username', 'ssh', '--ssh-private-key', '-']
    const key = open(['update', id, ...tunnel])
    await dialogue(key, ['SSH private key: Paste it now', `${openSshKey.replaceAll('\n', '\r')}.${ENTER}`])
    expect(await key.exit, key.text()).toMatchObject({ code: 0 })
    expect(await secretOf(id)).toMatchObject({ password: PASSWORD, ssh_private_key: openSshKey })
    expect(`${screen.raw()}${key.raw()}`).not.toMatch(/MARKER|PRIVATE KEY-/)
  })

  test.skipIf(process.platform !== 'linux')(
    'is neither shown nor lost if the shell suspends and resumes the command',
    async () => {
      const stdin = JSON.stringify({ name: unique('Stopped'), env: 'dev', type: 'mysql', ...plainFields })
      const { id } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
      const env = { ...site.env, PATH: pathWithDsctl(), PS1: 'prompt> ' }
      const bash = openProgram('bash', ['--norc', '--noprofile', '-i'], { home: site.home, env })
      await dialogue(
        bash,
        ['prompt> ', `dsctl update ${id} --password -${ENTER}`],
        ['? Password', 'MARKER'],
        ['******', CTRL_Z],
        ['Stopped', `fg${ENTER}`],
        [/\? Password \*{6}/, ' pass'],
      )
      await bash.waitFor('*'.repeat(11))
      const [child] = readFileSync(`/proc/${bash.pid}/task/${bash.pid}/children`, 'utf8').split(' ')
      process.kill(Number(child), 'SIGSTOP')
      await dialogue(
        bash,
        ['Stopped', `fg${ENTER}`],
        [/\? Password \*{11}/, `#word${ENTER}`],
        ['prompt> ', `exit $?${ENTER}`],
      )
      expect(await bash.exit, bash.text()).toMatchObject({ code: 0 })
      expect(await secretOf(id)).toMatchObject({ password: PASSWORD })
      expect(bash.raw()).not.toMatch(/MARKER|#word/)
    },
  )

  test('is refused at once if prompts are disabled', async () => {
    const request = ['--env', 'dev', '--type', 'mysql', '--host', 'h', '--username', 'u', '--default-database', 'd']
    const screen = open(['create', unique('Refused'), ...request, '--password', '-', '--no-input'])
    expect(await screen.exit, screen.text()).toMatchObject({ code: 2 })
    expect(screen.text()).toContain('password: must be piped in: standard input is a terminal, and prompts are off')
  })
})

test('Closing the terminal ends the wizard, without aborting Node', async () => {
  const screen = open(['create'])
  await screen.waitFor('Type')
  screen.close()
  // Either the signal or the end of the input arrives first.
  expect([129, 130].map(code => ({ code, signal: undefined }))).toContainEqual(await screen.exit)
})

test('update without a change writes nothing', async () => {
  const stdin = JSON.stringify({ name: unique('Same'), env: 'dev', type: 'mysql', ...plainFields })
  const { id } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
  const before = await site.vault.readSecret(`data-sources/${id}`)
  const screen = open(['update', id])
  await dialogue(
    screen,
    ['Host: (', ENTER],
    ['Port: (', ENTER],
    ['Username: (', ENTER],
    ['Password (Enter keeps', ENTER],
    ['Default database: (', ENTER],
    ['Connect through an SSH jump host?', ENTER],
    ['More settings?', ENTER],
  )
  expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
  expect(screen.text()).toContain('No changes')
  expect(await site.vault.readSecret(`data-sources/${id}`)).toEqual(before)
})
