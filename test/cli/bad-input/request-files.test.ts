import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attempt, byFile, byRequest, expectRefusal, type Refusal } from '../../support/bad-input.ts'
import { mainRequest, plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'

let site: Site
/** A postgres source for updates. */
let id: string

beforeAll(async () => {
  site = await createSite()
  const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
  id = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
})
afterAll(() => site?.drop())

const expectRefused = (attempt: Attempt, refusal: Refusal) => expectRefusal(site, attempt, refusal)

describe('rejects in a request file:', () => {
  const yaml = `name: New\nenv: dev\ntype: postgres\nhost: h\nusername: u\ndefault_database: d\n`

  test.each([
    ['JSON that breaks off', '{"password": "MARKERpassword', 'request.json', /request\.json is not valid JSON/],
    ['JSON with a stray word', '{"password": MARKERpassword}', 'request.json', /not valid JSON/],
    ['JSON with a comma too many', '{\n"password": "MARKERpassword",\n}', 'request.json', /not valid JSON \(line 3\)/],
    ['JSON in a file that does not say so', '{"password": MARKERpassword}', 'request', /request is not valid JSON/],
    [
      'YAML with an open quote',
      `${yaml}password: "MARKERpassword`,
      'request.yaml',
      /request\.yaml is not valid YAML \(line/,
    ],
    ['YAML with a tab', `${yaml}\tpassword: MARKERpassword`, 'request.yaml', /not valid YAML \(line 7\)/],
    [
      'YAML with a duplicate key',
      `${yaml}password: MARKERpassword\npassword: MARKERtoken`,
      'request.yaml',
      /not valid YAML/,
    ],
    ['YAML with a merge key', `${yaml}<<: {password: MARKERpassword}`, 'request.yaml', /<</],
    ['YAML with an alias of nothing', `${yaml}password: *MARKERpassword`, 'request.yaml', /YAML/],
    [
      'two documents',
      `${yaml}---\n${yaml}`,
      'request.yaml',
      /contains 2 requests, but this command takes one\.\nUse dsctl apply -f for several/,
    ],
    ['a list', '["MARKERpassword"]', 'request.json', /does not contain an object/],
    ['a word', 'MARKERpassword', 'request', /does not contain an object/],
    ['nothing', '', 'request.json', /is empty/],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'request.json', /is not UTF-8 text/],
  ])('%s', async (_, text, name, says) => {
    const merge = String(text).includes('<<')
    await expectRefused(byFile(text, name), { says, ...(merge && { fields: ['<<', 'password'] }) })
  })

  test('YAML with an unfilled placeholder as a value', async () => {
    const attempt = byFile(`${yaml}password: {{ MARKERpassword }}\n`, 'request.yaml')
    await expectRefused(attempt, { fields: ['password'], says: /password: must be a string, not an object/ })
  })

  test('YAML aliases that expand without limit', async () => {
    const bomb = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`)
    await expectRefused(byFile(`a0: &a0 MARKERpassword\n${bomb.join('\n')}\n`, 'request.yaml'), {
      says: /YAML aliases/,
    })
  })

  test('the same on standard input', async () => {
    const from = (stdin: string | Buffer) => ({ args: ['create', '-f', '-'], stdin })
    await expectRefused(from('{"password": "MARKERpassword'), { says: /Standard input is not valid JSON/ })
    await expectRefused(from(`${yaml}password: "MARKERpassword`), { says: /Standard input is not valid YAML/ })
    await expectRefused(from(''), { says: /Standard input is empty/ })
  })

  test('2 MiB, by file and by standard input', async () => {
    const text = JSON.stringify({ ...mainRequest, password: 'MARKERpassword'.repeat(150_000) })
    expect(text.length).toBeGreaterThan(2 * 1024 * 1024)
    await expectRefused(byFile(text), { says: /request\.json is larger than 1 MiB/ })
    await expectRefused({ args: ['create', '-f', '-'], stdin: text }, { says: /Standard input is larger than 1 MiB/ })
  })

  test('a missing file, and a folder', async () => {
    await expectRefused(
      { args: ['create', '-f', 'missing.json'] },
      { says: /missing\.json does not exist\.\nPass -f a file/ },
    )
    await expectRefused({ args: ['update', id, '-f', '.'] }, { says: /\. is a folder\./ })
  })

  test.each([
    ['a number as password', 'password: 12345678', ['password'], /password: must be a string: quote it/],
    ['a date as password', 'password: 0x10', ['password'], /password: must be a string: quote it/],
    ['true as password', 'password: true', ['password'], /password: must be a string: quote it/],
    ['nothing as password', 'password:', ['password'], /password: must not be null/],
    ['a list as password', 'password: [MARKERpassword]', ['password'], /password: must be a string, not a list/],
    ['a number as name', 'password: x\nname: 5', ['name'], /name: must be a string: quote it/],
    ['a number as env', 'password: x\nenv: 1.0', ['env'], /env: must be a string: quote it/],
    ['a number as user', 'password: x\nusername: 007', ['username'], /username: must be a string: quote it/],
    ['true as port', 'password: x\nport: true', ['port'], /port: must be a whole number/],
    ['two schemas', 'password: x\nschemas: [a, b]', ['schemas'], /schemas: must be a list with one item/],
    ['a schema as a list', 'password: x\nschema: [a]', ['schema'], /schema: must be a string, not a list/],
  ])('%s', async (_, lines, fields, says) => {
    const keys = lines.split('\n').map(line => line.split(':')[0])
    const rest = yaml.split('\n').filter(line => !keys.includes(line.split(':')[0]))
    await expectRefused(byFile([...rest, lines].join('\n'), 'request.yaml'), { fields, says })
  })

  test('booleans in other words', async () => {
    const says = /encrypt: must be true or false/
    for (const encrypt of ['yes', 1, 'TRUE', ''])
      await expectRefused(byRequest({ type: 'sqlserver', encrypt }), { fields: ['encrypt'], says })
  })

  describe('a secret source outside the policy:', () => {
    const request = (from: string) =>
      JSON.stringify({ name: 'New', env: 'dev', type: 'postgres', ...plainFields, password: { from } })

    test.each([
      [
        'any environment variable',
        'env:HOME',
        /password: comes from a variable that a request file may not use\. .*DSCTL_SECRET_/,
      ],
      ['the Vault token', 'env:VAULT_TOKEN', /password: comes from a variable that a request file may never use/],
      ['a file above it', '@../secret', /password: comes from a file outside the folder of the request file/],
      ['a file at an absolute path', '@/etc/hostname', /password: comes from a file outside the folder/],
      ['a link that leads out', '@link', /password: comes from a file outside the folder/],
      ['a folder that leads out', '@folder/hostname', /password: comes from a file outside the folder/],
      [
        'any secret in Vault',
        'vault:secret/other#password',
        /password: comes from a path in Vault that a request file may not use/,
      ],
      ['standard input', '-', /password: cannot come from standard input in a request file/],
      ['a missing file in its folder', '@missing', /password: comes from \S+missing, which does not exist/],
      ['what is no source', 'MARKERpassword', /password: must be a string, or \{from: SOURCE\}/],
    ])('%s', async (_, from, says) => {
      const files = { 'request.json': request(from) }
      const cwd = folderWith(files)
      symlinkSync('/etc/hostname', join(cwd, 'link'))
      symlinkSync('/etc', join(cwd, 'folder'))
      const attempt = { args: ['create', '-f', join(cwd, 'request.json')], env: { SECRET: 'MARKERpassword' } }
      await expectRefused(attempt, { fields: ['password'], says })
      const { args } = attempt
      await expectRefused({ args: ['update', id, ...args.slice(1)] }, { fields: ['password'], says, audited: true })
    })

    test('a file, where the request comes on standard input and so has no folder', async () => {
      const attempt = { args: ['create', '-f', '-'], stdin: request('@secret'), files: { secret: 'MARKERpassword' } }
      await expectRefused(attempt, { fields: ['password'], says: /outside the folder of the request file/ })
    })

    test('a source for a field that is not secret, or with further keys', async () => {
      const host = byRequest({ host: { from: 'env:DSCTL_SECRET_HOST' } })
      await expectRefused(host, { fields: ['host'], says: /host: must be the value itself/ })
      const more = byRequest({ password: { from: 'env:DSCTL_SECRET_P', else: 'MARKERpassword' } })
      await expectRefused(more, {
        fields: ['password'],
        says: /password: must be a string, or \{from: SOURCE\} with no other key/,
      })
    })
  })
})
