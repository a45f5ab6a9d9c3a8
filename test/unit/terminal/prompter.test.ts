import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { buildScenes, play } from './stage.ts'

const ENTER = '\r'
const DOWN = '\u001b[B'
const UP = '\u001b[A'
const LEFT = '\u001b[D'
const BACKSPACE = '\u007f'
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const CTRL_T = '\u0014'
const CTRL_U = '\u0015'
const SECRET = 'hunter2 #x'
const KEY = generateKeyPairSync('rsa', { modulusLength: 4096 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const KEY_LINES = KEY.trimEnd().split('\n')
const KEY_BODY = KEY_LINES[1] ?? ''
const POSTGRES = { host: 'h', username: 'u', password: {}, default_database: 'd' }

beforeAll(buildScenes)

test('the wizard asks what is missing, checks it, shows defaults, and never echoes the secret', async () => {
  const scene = play('fields', { type: 'postgres', given: { username: 'me' } })
  await scene.answer('Host:', `https://db.example.com/x${ENTER}`)
  await scene.answer('must be a host', `${CTRL_U}  db.example.com ${ENTER}`)
  await scene.answer('Port: (5432)', ENTER)
  await scene.answer('Password', ENTER)
  await scene.answer('a value is needed', `${SECRET}${CTRL_T}`)
  await scene.answer('**********', ENTER)
  await scene.answer('Default database:', `main${ENTER}`)
  await scene.answer('Default schema (optional):', ENTER)
  await scene.answer('Connect through an SSH jump host?', ENTER)
  await scene.answer('More settings?', ENTER)
  expect(await scene.ended()).toEqual({
    answer: { host: 'db.example.com', port: 5432, password: { sealed: SECRET }, default_database: 'main' },
    raw: false,
  })
  expect(scene.output()).not.toContain('hunter2')
  expect(scene.output()).not.toContain('Username')
})

test('nothing is asked where nothing necessary is missing', async () => {
  const scene = play('fields', { type: 'postgres', given: POSTGRES })
  expect(await scene.ended()).toEqual({ answer: {}, raw: false })
  expect(scene.output()).toBe('')
})

test('a group that is begun is completed: its key comes from a file', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'dsctl-key-')), 'id')
  writeFileSync(file, KEY)
  const given = { ...POSTGRES, port: 1, default_schema: 's', jump_host: 'j', ssl_mode: 'require' }
  const scene = play('fields', { type: 'postgres', given })
  await scene.answer('SSH username:', `me${ENTER}`)
  await scene.answer('SSH private key: path to a file', `/dev/zero${ENTER}`) // has no end
  await scene.answer('must have at most 64 KiB', '')
  await scene.answer('SSH private key: path to a file', `${file}x${ENTER}`)
  await scene.answer('the file does not exist', '')
  await scene.answer('SSH private key: path to a file', `${file}${ENTER}`)
  expect((await scene.ended()).answer).toEqual({ ssh_username: 'me', ssh_private_key: { sealed: KEY } })
  expect(scene.output()).not.toContain(KEY_BODY)
})

test.each([
  ['a line with only a dot', `.${ENTER}`],
  ['Ctrl-D', CTRL_D],
])('a key is pasted unseen, up to %s', async (_, end) => {
  const scene = play('fields', { type: 'postgres', given: POSTGRES, only: ['ssh_private_key'] })
  await scene.answer('path to a file', `-${ENTER}`)
  await scene.answer('Paste it now', KEY.replaceAll('\n', '\r'))
  await scene.answer(`${KEY_LINES.length} lines read`, end)
  expect(await scene.ended()).toEqual({ answer: { ssh_private_key: { sealed: KEY } }, raw: false })
  expect(scene.output()).not.toContain(KEY_BODY)
  expect(scene.output()).not.toContain('BEGIN')
})

test('a key pasted where its path belongs is neither shown nor kept', async () => {
  const scene = play('fields', { type: 'postgres', given: POSTGRES, only: ['ssh_private_key'] })
  await scene.answer('path to a file', KEY.replaceAll('\n', '\r'))
  await scene.answer('this is no path', `${CTRL_U}${ENTER}`)
  await scene.answer('path to a file', `-${ENTER}`)
  await scene.answer('Paste it now', `${KEY.replaceAll('\n', '\r')}${CTRL_D}`)
  expect((await scene.ended()).answer).toEqual({ ssh_private_key: { sealed: KEY } })
  for (const line of KEY_LINES) expect(scene.output()).not.toContain(line.slice(-8, -1))
})

test('several lines pasted for a one-line secret are refused, and spill into no other prompt', async () => {
  const scene = play('fields', { type: 'postgres', given: { host: 'h', username: 'u' } })
  await scene.answer('Port:', ENTER)
  await scene.answer('Password', `first-half\rsecond-half\r`)
  await scene.answer('several lines came at once', '')
  await scene.answer('Password', `${SECRET}${ENTER}`)
  await scene.answer('Default database:', CTRL_C)
  expect(await scene.ended()).toEqual({ code: 'interrupted', raw: false })
  expect(scene.output()).not.toContain('half')
})

test('of alternatives one is chosen, and what it needs is asked with it', async () => {
  const given = { account_id: 'a', warehouse_id: 'w', username: 'u', default_database: 'd', role: 'r' }
  const scene = play('fields', { type: 'snowflake', given: { ...given, default_schema: 's', custom_host: 'h' } })
  await scene.answer('Which one?', DOWN + ENTER)
  await scene.answer('Private key: path to a file', `-${ENTER}`)
  await scene.answer('Paste it now', `${KEY.replaceAll('\n', '\r')}${CTRL_D}`)
  await scene.answer('Private key passphrase (optional)', ENTER)
  expect((await scene.ended()).answer).toEqual({ private_key: { sealed: KEY } })
  expect(scene.output()).not.toContain(KEY_BODY)
})

test('in an update Enter keeps what is stored, and a stored secret is not shown', async () => {
  const stored = { ...POSTGRES, host: 'old', password: SECRET, port: 5433, default_schema: 'public' }
  const scene = play('fields', { type: 'postgres', stored })
  await scene.answer('Host: (old)', ENTER)
  await scene.answer('Port: (5433)', `5434${ENTER}`)
  await scene.answer('Username: (u)', ENTER)
  await scene.answer('Password (Enter keeps the present one)', ENTER)
  await scene.answer('Default database: (d)', ENTER)
  await scene.answer('Default schema: (public)', ENTER)
  await scene.answer('Connect through an SSH jump host?', ENTER)
  await scene.answer('More settings?', `y${ENTER}`)
  await scene.answer('TLS mode', DOWN + DOWN + ENTER)
  await scene.answer('TLS CA certificates: path to a file', ENTER)
  for (const label of ['Maximum connections', 'Connect timeout', 'Idle timeout']) await scene.answer(label, ENTER)
  expect((await scene.ended()).answer).toEqual({ port: 5434, ssl_mode: 'prefer' })
  expect(scene.output()).not.toContain('hunter2')
})

test('a type is found by typing', async () => {
  const scene = play('type')
  await scene.answer('Type', 'snow')
  await scene.answer('snow', ENTER)
  expect((await scene.ended()).answer).toBe('snowflake')
})

test.each(['xterm-256color', 'dumb'])(
  'at TERM=%s whatever is typed can be put right, at each kind of prompt',
  async TERM => {
    const scene = play('each', {}, { TERM })
    await scene.answer('Type', `my${CTRL_U}snox${BACKSPACE}w`)
    await scene.answer('Snowflake (snowflake)', '')
    await scene.answer('Type snow', ENTER)
    await scene.answer('Name:', `wrong${CTRL_U}rigth${BACKSPACE}${BACKSPACE}t${LEFT}h${ENTER}`)
    await scene.answer('Token', `wrong${CTRL_U}hunter3${BACKSPACE}2${ENTER}`)
    await scene.answer('Which?', `${DOWN}${DOWN}${UP}${ENTER}`)
    await scene.answer('Go on?', `n${BACKSPACE}y${ENTER}`)
    const answer = { type: 'snowflake', text: 'right', secret: { sealed: 'hunter2' }, choice: 'two', sure: true }
    expect(await scene.ended()).toEqual({ answer, raw: false })
    expect(scene.output()).not.toContain('hunter')
  },
)

test('a name to confirm is shown without its control characters, and taken only as it is', async () => {
  const scene = play('name')
  await scene.answer('Type prod\\u001b[31m to confirm:', `prod${ENTER}`)
  await scene.answer('that is not the name', `${CTRL_U}prod\\u001b[31m${ENTER}`)
  expect(await scene.ended()).toEqual({ raw: false })
})

test('the summary masks secrets, and leads to a field to edit', async () => {
  const scene = play('review')
  await scene.answer('[REDACTED]', '')
  await scene.answer('Save this data source?', DOWN + ENTER)
  await scene.answer('Which field?', DOWN + ENTER)
  expect((await scene.ended()).answer).toEqual({ kind: 'edit', field: 'password' })
  expect(scene.output()).not.toContain('hunter2')
})

test.each([
  ['Ctrl-C', CTRL_C],
  ['Ctrl-D', CTRL_D],
])('%s leaves a prompt as an interruption, with the terminal restored', async (_, key) => {
  for (const scene of [play('confirm'), play('text'), play('fields', { type: 'databricks', only: ['api_key'] })]) {
    await scene.answer('? ', key)
    expect(await scene.ended()).toEqual({ code: 'interrupted', raw: false })
  }
})

test('Ctrl-C ends a paste too', async () => {
  const scene = play('fields', { type: 'postgres', given: POSTGRES, only: ['ssh_private_key'] })
  await scene.answer('path to a file', `-${ENTER}`)
  await scene.answer('Paste it now', `abc${CTRL_C}`)
  expect(await scene.ended()).toEqual({ code: 'interrupted', raw: false })
  expect(scene.output()).not.toContain('abc')
})

test('prompts heed NO_COLOR', async () => {
  const scene = play('confirm', {}, { NO_COLOR: '1' })
  await scene.answer('Go on?', `y${ENTER}`)
  expect((await scene.ended()).answer).toBe(true)
  expect(
    scene
      .output()
      .split('\u001b')
      .some(part => /^\[[\d;]*m/.test(part)),
  ).toBe(false)
})

test('a spinner makes room for a prompt, and does not draw into it', async () => {
  const scene = play('spinner')
  await scene.answer('Working', '')
  await scene.answer('Go on?', '')
  const before = scene.output().split('Working').length
  await new Promise(resolve => setTimeout(resolve, 400))
  expect(scene.output().split('Working').length).toBe(before)
  await scene.answer('', ENTER)
  expect((await scene.ended()).answer).toBe(true)
})
