import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { buildPromptProgram, startPrompt } from './prompt-process.ts'

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

beforeAll(buildPromptProgram)

test('missing fields are prompted for, with validation, defaults and hidden secrets', async () => {
  const prompt = startPrompt('fields', { type: 'postgres', given: { username: 'me' } })
  await prompt.answer('Host:', `https://db.example.com/x${ENTER}`)
  await prompt.answer('must be a host', `${CTRL_U}  db.example.com ${ENTER}`)
  await prompt.answer('Port: (5432)', ENTER)
  await prompt.answer('Password', ENTER)
  await prompt.answer('a value is required', `${SECRET}${CTRL_T}`)
  await prompt.answer('**********', ENTER)
  await prompt.answer('Default database:', `main${ENTER}`)
  await prompt.answer('Default schema (optional):', ENTER)
  await prompt.answer('Connect through an SSH jump host?', ENTER)
  await prompt.answer('More settings?', ENTER)
  expect(await prompt.ended()).toEqual({
    answer: { host: 'db.example.com', port: 5432, password: { sealed: SECRET }, default_database: 'main' },
    raw: false,
  })
  expect(prompt.output()).not.toContain('hunter2')
  expect(prompt.output()).not.toContain('Username')
})

test('no prompt appears if no required field is missing', async () => {
  const prompt = startPrompt('fields', { type: 'postgres', given: POSTGRES })
  expect(await prompt.ended()).toEqual({ answer: {}, raw: false })
  expect(prompt.output()).toBe('')
})

test('a partly given group is completed, with its key from a file', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'dsctl-key-')), 'id')
  writeFileSync(file, KEY)
  const given = { ...POSTGRES, port: 1, default_schema: 's', jump_host: 'j', ssl_mode: 'require' }
  const prompt = startPrompt('fields', { type: 'postgres', given })
  await prompt.answer('SSH username:', `me${ENTER}`)
  await prompt.answer('SSH private key: path to a file', `/dev/zero${ENTER}`) // has no end
  await prompt.answer('must be at most 64 KiB', '')
  await prompt.answer('SSH private key: path to a file', `${file}x${ENTER}`)
  await prompt.answer('the file does not exist', '')
  await prompt.answer('SSH private key: path to a file', `${file}${ENTER}`)
  expect((await prompt.ended()).answer).toEqual({ ssh_username: 'me', ssh_private_key: { sealed: KEY } })
  expect(prompt.output()).not.toContain(KEY_BODY)
})

test.each([
  ['a line with only a dot', `.${ENTER}`],
  ['Ctrl-D', CTRL_D],
])('a key is pasted without echo, up to %s', async (_, end) => {
  const prompt = startPrompt('fields', { type: 'postgres', given: POSTGRES, only: ['ssh_private_key'] })
  await prompt.answer('path to a file', `-${ENTER}`)
  await prompt.answer('Paste it now', KEY.replaceAll('\n', '\r'))
  await prompt.answer(`${KEY_LINES.length} lines read`, end)
  expect(await prompt.ended()).toEqual({ answer: { ssh_private_key: { sealed: KEY } }, raw: false })
  expect(prompt.output()).not.toContain(KEY_BODY)
  expect(prompt.output()).not.toContain('BEGIN')
})

test('a key pasted as a path is neither shown nor kept', async () => {
  const prompt = startPrompt('fields', { type: 'postgres', given: POSTGRES, only: ['ssh_private_key'] })
  await prompt.answer('path to a file', KEY.replaceAll('\n', '\r'))
  await prompt.answer('this is not a path', `${CTRL_U}${ENTER}`)
  await prompt.answer('path to a file', `-${ENTER}`)
  await prompt.answer('Paste it now', `${KEY.replaceAll('\n', '\r')}${CTRL_D}`)
  expect((await prompt.ended()).answer).toEqual({ ssh_private_key: { sealed: KEY } })
  for (const line of KEY_LINES) expect(prompt.output()).not.toContain(line.slice(-8, -1))
})

const LONG = 'x2_'.repeat(2048)

test.each([
  ['as it is', LONG],
  ['between the markers of a bracketed paste', `\u001b[200~${LONG}\u001b[201~`],
])('6 KB pasted into a hidden prompt, %s, are drawn at once', async (_, pasted) => {
  const prompt = startPrompt('secret')
  await prompt.answer('Token', pasted)
  await prompt.answer(`${'*'.repeat(32)}… (6,144 characters)`, ENTER)
  expect(await prompt.ended()).toEqual({ answer: { sealed: LONG }, raw: false })
  expect(prompt.output().length).toBeLessThan(6_000)
  expect(prompt.output()).not.toContain('x2_')
})

test('6 KB pasted into a visible prompt are drawn a few times', async () => {
  const prompt = startPrompt('text')
  await prompt.answer('Name:', LONG)
  await prompt.answer('x2_', ENTER)
  expect(await prompt.ended()).toEqual({ answer: LONG, raw: false })
  expect(prompt.output().length).toBeLessThan(100_000)
})

test('a key pasted as a path is drawn a few times', async () => {
  const prompt = startPrompt('fields', { type: 'postgres', given: POSTGRES, only: ['ssh_private_key'] })
  await prompt.answer('path to a file', `\u001b[200~${KEY.replaceAll('\n', '\r')}\u001b[201~`)
  await prompt.answer('this is not a path', CTRL_C)
  expect(await prompt.ended()).toEqual({ code: 'interrupted', raw: false })
  expect(prompt.output().length).toBeLessThan(100_000)
  expect(prompt.output()).not.toContain(KEY_BODY.slice(-8))
})

test('several lines for a one-line secret are rejected without reaching the next prompt', async () => {
  const prompt = startPrompt('fields', { type: 'postgres', given: { host: 'h', username: 'u' } })
  await prompt.answer('Port:', ENTER)
  await prompt.answer('Password', `first-half\rsecond-half\r`)
  await prompt.answer('Several lines were entered', '')
  await prompt.answer('Password', `${SECRET}${ENTER}`)
  await prompt.answer('Default database:', CTRL_C)
  expect(await prompt.ended()).toEqual({ code: 'interrupted', raw: false })
  expect(prompt.output()).not.toContain('half')
})

test('one alternative is chosen, and the fields that need it are prompted for', async () => {
  const given = { account_id: 'a', warehouse_id: 'w', username: 'u', default_database: 'd', role: 'r' }
  const prompt = startPrompt('fields', {
    type: 'snowflake',
    given: { ...given, default_schema: 's', custom_host: 'h' },
  })
  await prompt.answer('Which one?', DOWN + ENTER)
  await prompt.answer('Private key: path to a file', `-${ENTER}`)
  await prompt.answer('Paste it now', `${KEY.replaceAll('\n', '\r')}${CTRL_D}`)
  await prompt.answer('Private key passphrase (optional)', ENTER)
  expect((await prompt.ended()).answer).toEqual({ private_key: { sealed: KEY } })
  expect(prompt.output()).not.toContain(KEY_BODY)
})

test('in an update Enter keeps the stored value, and secrets are hidden', async () => {
  const stored = { ...POSTGRES, host: 'old', password: SECRET, port: 5433, default_schema: 'public' }
  const prompt = startPrompt('fields', { type: 'postgres', stored })
  await prompt.answer('Host: (old)', ENTER)
  await prompt.answer('Port: (5433)', `5434${ENTER}`)
  await prompt.answer('Username: (u)', ENTER)
  await prompt.answer('Password (Enter keeps the stored one)', ENTER)
  await prompt.answer('Default database: (d)', ENTER)
  await prompt.answer('Default schema: (public)', ENTER)
  await prompt.answer('Connect through an SSH jump host?', ENTER)
  await prompt.answer('More settings?', `y${ENTER}`)
  await prompt.answer('TLS mode', DOWN + DOWN + ENTER)
  await prompt.answer('TLS CA certificates: path to a file', ENTER)
  for (const label of ['Maximum connections', 'Connect timeout', 'Idle timeout']) await prompt.answer(label, ENTER)
  expect((await prompt.ended()).answer).toEqual({ port: 5434, ssl_mode: 'prefer' })
  expect(prompt.output()).not.toContain('hunter2')
})

test('a type is found by typing part of its name', async () => {
  const prompt = startPrompt('type')
  await prompt.answer('Type', 'snow')
  await prompt.answer('snow', ENTER)
  expect((await prompt.ended()).answer).toBe('snowflake')
})

test('a type that is pasted with Enter is the one that is found', async () => {
  const prompt = startPrompt('type')
  await prompt.answer('Type', `snow${ENTER}`)
  expect((await prompt.ended()).answer).toBe('snowflake')
})

test.each(['xterm-256color', 'dumb'])(
  'at TERM=%s whatever is typed can be put right, at each kind of prompt',
  async TERM => {
    const prompt = startPrompt('each', {}, { TERM })
    await prompt.answer('Type', `my${CTRL_U}snox${BACKSPACE}w`)
    await prompt.answer('Snowflake (snowflake)', '')
    await prompt.answer('Type snow', ENTER)
    await prompt.answer('Name:', `wrong${CTRL_U}rigth${BACKSPACE}${BACKSPACE}t${LEFT}h${ENTER}`)
    await prompt.answer('Token', `wrong${CTRL_U}hunter3${BACKSPACE}2${ENTER}`)
    await prompt.answer('Which?', `${DOWN}${DOWN}${UP}${ENTER}`)
    await prompt.answer('Go on?', `n${BACKSPACE}y${ENTER}`)
    const answer = { type: 'snowflake', text: 'right', secret: { sealed: 'hunter2' }, choice: 'two', sure: true }
    expect(await prompt.ended()).toEqual({ answer, raw: false })
    expect(prompt.output()).not.toContain('hunter')
  },
)

test('a name to confirm is escaped, and must be typed exactly', async () => {
  const prompt = startPrompt('name')
  await prompt.answer('Type prod\\u001b[31m to confirm:', `prod${ENTER}`)
  await prompt.answer('the name does not match', `${CTRL_U}prod\\u001b[31m${ENTER}`)
  expect(await prompt.ended()).toEqual({ raw: false })
})

test('the summary masks secrets, and a field can be edited', async () => {
  const prompt = startPrompt('review')
  await prompt.answer('[REDACTED]', '')
  await prompt.answer('Save this data source?', DOWN + ENTER)
  await prompt.answer('Which field?', DOWN + ENTER)
  expect((await prompt.ended()).answer).toEqual({ kind: 'edit', field: 'password' })
  expect(prompt.output()).not.toContain('hunter2')
})

test.each([
  ['Ctrl-C', CTRL_C],
  ['Ctrl-D', CTRL_D],
])('%s interrupts a prompt and restores the terminal', async (_, key) => {
  for (const prompt of [
    startPrompt('confirm'),
    startPrompt('text'),
    startPrompt('fields', { type: 'databricks', only: ['api_key'] }),
  ]) {
    await prompt.answer('? ', key)
    expect(await prompt.ended()).toEqual({ code: 'interrupted', raw: false })
  }
})

test('Ctrl-C also interrupts a paste', async () => {
  const prompt = startPrompt('fields', { type: 'postgres', given: POSTGRES, only: ['ssh_private_key'] })
  await prompt.answer('path to a file', `-${ENTER}`)
  await prompt.answer('Paste it now', `abc${CTRL_C}`)
  expect(await prompt.ended()).toEqual({ code: 'interrupted', raw: false })
  expect(prompt.output()).not.toContain('abc')
})

test('prompts have no colors with NO_COLOR', async () => {
  const prompt = startPrompt('confirm', {}, { NO_COLOR: '1' })
  await prompt.answer('Go on?', `y${ENTER}`)
  expect((await prompt.ended()).answer).toBe(true)
  expect(
    prompt
      .output()
      .split('\u001b')
      .some(part => /^\[[\d;]*m/.test(part)),
  ).toBe(false)
})

test('a spinner stops while a prompt is open', async () => {
  const prompt = startPrompt('spinner')
  await prompt.answer('Working', '')
  await prompt.answer('Go on?', '')
  const before = prompt.output().split('Working').length
  await new Promise(resolve => setTimeout(resolve, 400))
  expect(prompt.output().split('Working').length).toBe(before)
  await prompt.answer('', ENTER)
  expect((await prompt.ended()).answer).toBe(true)
})
