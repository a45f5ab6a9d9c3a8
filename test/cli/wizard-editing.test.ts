import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { json, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { type Terminal, terminal } from '../support/terminal.ts'
import { pemKey } from '../unit/source-types/samples.ts'

// Going back, editing and testing in the prompts of `create` and `update`.

const ENTER = '\r'
const ESCAPE = '\u001b'
const DOWN = '\u001b[B'
const BACKSPACE = '\u007f'
const CLEAR = '\u0015'
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
let site: Site

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site.drop())

const open = (args: readonly string[]) => terminal(args, { home: site.home, env: { ...site.env, NO_COLOR: '1' } })
const unique = (name: string) => `${name} ${randomUUID().slice(0, 8)}`
const found = async (name: string) => json(await site.dsctl(['list', '--search', name, '-o', 'json']))
const secretOf = async (id: string) => (await site.vault.readSecret(`data-sources/${id}`))?.data

type Turn = readonly [question: string | RegExp, keys: string]

async function dialogue(screen: Terminal, ...turns: readonly Turn[]) {
  for (const [question, keys] of turns) {
    await screen.waitFor(question)
    screen.type(keys)
  }
}

async function savedSecret(screen: Terminal, name: string) {
  expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
  const [{ id }] = await found(name)
  return secretOf(id)
}

const TO_SUMMARY: readonly Turn[] = [
  ['Password', `first word${ENTER}`],
  ['Default database:', `main${ENTER}`],
  ['Default schema (optional)', ENTER],
  ['Connect through an SSH jump host?', ENTER],
  ['More settings?', ENTER],
]
const REST = ['--type', 'postgres', '--env', 'dev', '--host', '127.0.0.1', '--username', 'u', '--port', '1']

describe('Escape', () => {
  test('goes back through every kind of question of create, and keeps the answers', async () => {
    const name = unique('Back')
    const screen = open(['create'])
    await screen.waitFor('Press Escape to go back, or Ctrl-C to cancel.')
    await dialogue(
      screen,
      ['Type', ESCAPE], // nowhere to go: the question is asked again
      ['Type', 'mysq'],
      ['❯ MySQL (mysql)', ENTER],
      ['Name:', ESCAPE],
      ['Type', 'snow'],
      ['❯ Snowflake (snowflake)', ENTER],
      ['Name:', `Wrong${ENTER}`],
      ['Env:', ESCAPE],
      ['Name: Wrong', `${CLEAR}${name}${ENTER}`],
      ['Env:', `dev${ENTER}`],
      ['Account ID:', `myorg-account${ENTER}`],
      ['Warehouse:', `wh${ENTER}`],
      ['Username:', `app${ENTER}`],
      ['Which one?', ENTER],
      ['Password', `first word${ENTER}`],
      ['Role (optional)', ESCAPE],
      ['Password (Enter keeps the one entered)', ESCAPE],
      ['Which one?', ESCAPE],
      ['Username: app', `2${ENTER}`],
      ['Which one?', ENTER],
      ['Password (Enter keeps the one entered)', ENTER],
      ['Role (optional)', `r${ENTER}`],
      ['Default database:', `main${ENTER}`],
      ['Default schema (optional)', ENTER],
      ['Custom host (optional)', ENTER],
      ['Save this data source?', ESCAPE],
      ['Custom host (optional)', ESCAPE],
      ['Default schema (optional)', ENTER],
      ['Custom host (optional)', ENTER],
      ['Save this data source?', ENTER],
    )
    expect(await savedSecret(screen, name)).toEqual({
      ...{ type: 'snowflake', account_id: 'myorg-account', warehouse_id: 'wh', username: 'app2' },
      ...{ password: 'first word', role: 'r', default_database: 'main' },
    })
    expect(screen.text()).not.toContain('first word')
  })

  test('leaves an optional group, also from its first question', async () => {
    const name = unique('Groups')
    const file = join(temporaryFolder(), 'key.pem')
    writeFileSync(file, pemKey)
    const screen = open(['create', name, ...REST])
    await dialogue(
      screen,
      ...TO_SUMMARY.slice(0, 3),
      ['Connect through an SSH jump host?', `y${ENTER}`],
      ['SSH jump host:', `jump.example.com${ENTER}`],
      ['SSH username:', `me${ENTER}`],
      ['SSH private key: path to a file', ENTER],
      ['Paste it now', ESCAPE],
      ['SSH username: me', ENTER],
      ['SSH private key: path to a file', `${file}${ENTER}`],
      ['SSH private key passphrase', ESCAPE],
      ['SSH private key: path to a file, - to paste it, Enter keeps it', ESCAPE],
      ['SSH username: me', ESCAPE],
      ['SSH jump host: jump.example.com', ESCAPE],
      ['Connect through an SSH jump host?', `n${ENTER}`],
      ['More settings?', `y${ENTER}`],
      ['TLS mode', DOWN + DOWN + ENTER],
      ['TLS CA certificates', ESCAPE],
      ['TLS mode', ENTER],
      ['TLS CA certificates', ENTER],
      ['Maximum connections', ENTER],
      ['Connect timeout', ENTER],
      ['Idle timeout', ENTER],
      ['Save this data source?', ENTER],
    )
    const { ssl_mode, ...secret } = (await savedSecret(screen, name)) ?? {}
    expect(ssl_mode).toBe('prefer')
    expect(Object.keys(secret).join()).not.toMatch(/ssh|jump/)
  })

  test('goes back in update, and keeps what was changed', async () => {
    const stdin = JSON.stringify({ name: unique('Stored'), env: 'dev', type: 'mysql', ...plainFields })
    const { id, credentials } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const before = await secretOf(id)
    const screen = open(['update', id])
    await dialogue(
      screen,
      [`Host: (${credentials.host})`, ESCAPE],
      [`Host: (${credentials.host})`, `db2.example.com${ENTER}`],
      ['Port: (', `7000${ENTER}`],
      ['Username: (', ESCAPE],
      ['Port: 7000', `${BACKSPACE}1${ENTER}`],
      ['Username: (', ENTER],
      ['Password (Enter keeps the stored one)', ENTER],
      ['Default database: (', ENTER],
      ['Connect through an SSH jump host?', ENTER],
      ['More settings?', ENTER],
      ['Save the changes to host, port?', ESCAPE],
      ['More settings?', ENTER],
      ['Save the changes to host, port?', ENTER],
    )
    expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
    expect(await secretOf(id)).toEqual({ ...before, host: 'db2.example.com', port: 7001 })
    expect(screen.text()).toMatch(/^Type +MySQL \(mysql\)$/m)
  })
})

describe('In the summary,', () => {
  test('a field is edited from its current value, and Ctrl-C or Escape returns', async () => {
    const name = unique('Edited')
    const screen = open(['create', name, ...REST])
    await dialogue(screen, ...TO_SUMMARY)
    for (const keys of [`xyz${CTRL_C}`, `xyz${ESCAPE}`, `${CLEAR}${CTRL_D}`]) {
      await dialogue(screen, ['Save this data source?', DOWN + ENTER], ['Which field?', ENTER], [`Name: ${name}`, keys])
    }
    for (const key of [CTRL_C, ESCAPE]) {
      await dialogue(screen, ['Save this data source?', DOWN + ENTER], ['Which field?', key])
    }
    await dialogue(
      screen,
      ['Save this data source?', DOWN + ENTER],
      ['Which field?', DOWN + DOWN + ENTER],
      ['Host: 127.0.0.1', `${BACKSPACE}2${ENTER}`],
      ['Save this data source?', DOWN + ENTER],
      ['Which field?', DOWN + DOWN + DOWN + DOWN + DOWN + ENTER],
      ['Password (Enter keeps the one entered)', ENTER],
      ['Save this data source?', ESCAPE],
      ['More settings?', ENTER],
      ['Save this data source?', ENTER],
    )
    expect(await savedSecret(screen, name)).toMatchObject({ host: '127.0.0.2', password: 'first word' })
    expect(screen.text()).not.toMatch(/xyz.*Save|first word/)
    expect(screen.text()).toMatch(/^Type +PostgreSQL \(postgres\)$/m)
  })

  test('a secret that a flag names is kept with Enter', async () => {
    const name = unique('Kept')
    const args = ['create', name, '--type', 'mysql', '--env', 'dev', '--host', 'h', '--password', 'env:PW']
    const screen = terminal(args, { home: site.home, env: { ...site.env, PW: 'MARKERword', NO_COLOR: '1' } })
    await dialogue(
      screen,
      ['Port:', ENTER],
      ['Username:', `u${ENTER}`],
      ['Default database:', `d${ENTER}`],
      ['Connect through an SSH jump host?', ENTER],
      ['More settings?', ENTER],
      ['Save this data source?', DOWN + ENTER],
      ['Which field?', DOWN + DOWN + DOWN + DOWN + DOWN + ENTER],
      ['Password (Enter keeps the one entered)', ENTER],
      ['Save this data source?', ENTER],
    )
    expect(await savedSecret(screen, name)).toMatchObject({ password: 'MARKERword' })
    expect(screen.raw()).not.toContain('MARKER')
  })

  test('the result of a test is between the values and the question', async () => {
    const name = unique('Tested')
    const screen = open(['create', name, ...REST, '--quiet'])
    await dialogue(screen, ...TO_SUMMARY, ['Save this data source?', DOWN + DOWN + ENTER])
    await screen.waitFor('The connection test failed.')
    await screen.waitFor('Save this data source?')
    const failure = /^Type +PostgreSQL[\s\S]*\n\nThe connection test failed\. Stage reach, unreachable: .*\n\n\? Save/m
    expect(screen.text()).toMatch(failure)
    screen.type(CTRL_C)
    expect(await screen.exit).toMatchObject({ code: 130 })
    expect(await found(name)).toEqual([])
  })

  test('one alternative is replaced by the other, with what depends on it', async () => {
    const name = unique('Alternative')
    const file = join(temporaryFolder(), 'key.pem')
    writeFileSync(file, pemKey)
    const args = ['create', name, '--type', 'snowflake', '--env', 'dev', '--account-id', 'myorg-account']
    const screen = open([...args, '--warehouse-id', 'w', '--username', 'u'])
    await dialogue(
      screen,
      ['Which one?', DOWN + ENTER],
      ['Private key: path to a file', `${file}${ENTER}`],
      ['Private key passphrase (optional)', ENTER],
      ['Role (optional)', ENTER],
      ['Default database:', `d${ENTER}`],
      ['Default schema (optional)', ENTER],
      ['Custom host (optional)', ENTER],
      ['Save this data source?', DOWN + ENTER],
      ['Which field?', `Pri${ENTER}`],
      [/❯ Private key/, ESCAPE],
      ['Save this data source?', DOWN + ENTER],
      ['Which field?', `Pri${ENTER}`],
      [/❯ Private key/, `Pass${ENTER}`],
      ['Password', `word${ENTER}`],
      ['Save this data source?', ESCAPE],
      ['Custom host (optional)', ENTER],
      ['Save this data source?', ENTER],
    )
    const secret = await savedSecret(screen, name)
    expect(secret).toMatchObject({ password: 'word' })
    expect(secret).not.toHaveProperty('private_key')
  })
})

test('With -o json, what a prompt needs is still shown before it', async () => {
  const screen = open(['create', unique('Json'), ...REST, '-o', 'json'])
  await screen.waitFor(/Press Escape to go back[\s\S]*\? Password/)
  screen.type(`two\rlines\r`)
  await screen.waitFor(/Several lines were entered[\s\S]*\? Password/)
  screen.type(CTRL_C)
  expect(await screen.exit).toMatchObject({ code: 130 })
})
