import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attempt, byRequest, expectNoMarker, expectRefusal, type Refusal } from '../../support/bad-input.ts'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { BIN, cleanEnvironment, json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { everythingIn } from '../../support/stored.ts'

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

describe('rejects on the command line:', () => {
  test.each([
    ['an unknown command', ['craete'], undefined, /Unknown command 'craete'\.\nDid you mean create\?/],
    ['an unknown command that is like none', ['frobnicate'], undefined, /Unknown command.*\nRun dsctl --help/],
    ['an unknown subcommand', ['config', 'lst'], undefined, /Did you mean list\?/],
    ['no subcommand', ['config'], undefined, /Missing command/],
    ['global options and no command', ['--timeout', '5'], undefined, /Missing command/],
    ['a misspelt option', ['create', '--hots', 'h'], undefined, /Unknown option '--hots'\.\nDid you mean --host\?/],
    ['a misspelt global option', ['list', '--outptu', 'json'], undefined, /Did you mean --output\?/],
    ['an option of another command', ['get', 'Present', '--page', '1'], undefined, /Unknown option '--page'/],
    ['an option without its value', ['create', '--host'], undefined, /--host <HOST>' argument missing/],
    ['a missing REF', ['get'], undefined, /Missing required argument 'ref'/],
    ['a REF too many', ['update', 'one', 'two'], undefined, /Too many arguments for 'update'/],
    ['a page that is no number', ['list', '--page', 'abc'], ['page'], /page: must be a whole number from 0/],
    ['a page below 0', ['list', '--page', '-1'], ['page'], /page: must be a whole number from 0/],
    ['half a page', ['list', '--page', '1.5'], ['page'], /page: must be a whole number from 0/],
    [
      'a page size of 0',
      ['list', '--page-size', '0'],
      ['page-size'],
      /page-size: must be a whole number from 1 to 1000/,
    ],
    [
      'a page size of 1001',
      ['list', '--page-size', '1001'],
      ['page-size'],
      /page-size: must be a whole number from 1 to 1000/,
    ],
    [
      'page and page size',
      ['list', '--page', 'x', '--page-size', 'y'],
      ['page', 'page-size'],
      /page: [\s\S]*page-size: /,
    ],
    [
      'an unknown status',
      ['list', '--status', 'done'],
      ['status'],
      /status: must be one of notStarted, inProgress, completed, failed/,
    ],
    ['an unknown type', ['list', '--type', 'postgress'], ['type'], /did you mean "postgres"/i],
    [
      'an unknown --if-exists',
      ['create', 'New', '--if-exists', 'replace'],
      ['if-exists'],
      /if-exists: must be one of fail, skip, update/,
    ],
    ['an unknown schema', ['types', '--schema', 'request'], ['schema'], /schema: must be one of answer, create/],
    ['an unknown type to show', ['types', 'snowflak'], ['type'], /did you mean "snowflake"/i],
    [
      'a time-out of 0',
      ['list', '--timeout', '0'],
      ['timeout'],
      /timeout: must be .* more than 0 .*\n.*--timeout 3600/,
    ],
    [
      'a time-out that is no number',
      ['list', '--timeout', 'soon'],
      ['timeout'],
      /timeout: must be a number of seconds/,
    ],
    [
      'a time-out of days',
      ['list', '--timeout', '86400'],
      ['timeout'],
      /timeout: must be a number of seconds, more than 0 and at most 3600/,
    ],
    [
      'an unknown profile',
      ['list', '--profile', 'defualt'],
      undefined,
      /Profile defualt does not exist[\s\S]*Did you mean default\?/,
    ],
  ])('%s', async (_, args, fields, says) => {
    await expectRefused({ args }, { says, ...(fields && { fields }) })
  })

  test('an unknown output format, before anything is done', async () => {
    const before = await everythingIn(site)
    const { args, stdin } = byRequest({})
    for (const command of [
      args,
      ['list'],
      ['get', id],
      ['update', id, '--port', '1'],
      ['delete', id, '--yes'],
      ['types'],
    ]) {
      for (const [more, env] of [
        [['-o', 'xml'], {}],
        [['--output=xml'], {}],
        [[], { DSCTL_OUTPUT: 'xml' }],
      ] as const) {
        const result = await site.dsctl([...command, ...more], { stdin, env })
        expect(result).toMatchObject({ code: 2, stdout: '' })
        expect(result.stderr).toMatch(/output: must be one of table, json, yaml, name, id/)
      }
    }
    expect(await everythingIn(site)).toEqual(before)
  })

  test.each([
    ['with a password', 'postgres://u:MARKERpassword@h/d', /database\.url: must not contain a password.*PGPASSWORD/],
    [
      'with a password that holds a slash',
      'postgres://u:5/MARKERpassword@h/d',
      /database\.url: must not contain a password/,
    ],
    [
      'with a password as a parameter',
      'postgres://u@h/d?password=MARKERpassword',
      /database\.url: must not contain a password/,
    ],
  ])('a database URL %s', async (_, url, says) => {
    await expectRefused({ args: ['init', '--database-url', url] }, { fields: ['database.url'], says })
  })

  test.each([
    ['that is none', 'MARKERpassword', /must look like postgres:\/\//],
    ['of another database', 'mysql://u:MARKERpassword@h/d', /must look like postgres:\/\//],
    ['whose password holds a slash', 'postgres://u:5/MARKERpassword@h/d', /%2F/],
    ['whose password holds a question mark', 'postgres://u:5?MARKERpassword@h/d', /%3F/],
    ['whose password holds a hash', 'postgres://u:5#MARKERpassword@h/d', /%23/],
    ['with an unknown parameter', 'postgres://u:MARKERpassword@h/d?sslmod=x', /sslmod: is not supported/],
    ['with an unknown sslmode', 'postgres://u:MARKERpassword@h/d?sslmode=maybe', /sslmode: must be disable, allow/],
    ['with a broken escape', 'postgres://u:MARKER%password@h/d', /%25/],
  ])('a database URL of the environment %s', async (_, url, says) => {
    const cwd = folderWith({})
    for (const args of [['list'], ['get', 'x'], ['init', '--check']]) {
      const result = await site.dsctl(args, { cwd, env: { DSCTL_DATABASE_URL: url } })
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(says) })
      expectNoMarker(result)
    }
  })

  test('missing settings, with the way to set them', async () => {
    const nothing = { DSCTL_DATABASE_URL: undefined, VAULT_ADDR: undefined }
    const home = folderWith({})
    for (const [env, says] of [
      [{ ...nothing }, /is not set[\s\S]*DATABASE_URL and VAULT_ADDR/],
      [{ ...nothing, VAULT_ADDR: site.vault.addr }, /database\.url is not set/],
      [{ VAULT_ADDR: 'vault.example.com' }, /must look like https:\/\//],
      [{ VAULT_ADDR: 'http://u:p%zz@127.0.0.1:1' }, /vault\.addr: .*%25/],
      [{ VAULT_ADDR: `${site.vault.addr}/v1` }, /vault\.addr: .*end in \/v1/],
      [{ VAULT_ADDR: `${site.vault.addr}?x=1` }, /vault\.addr: .*without \? and #/],
      [{ VAULT_ADDR: `${site.vault.addr}/elsewhere` }, /not respond like Vault[\s\S]*usually has no path/],
      [
        { ...nothing, VAULT_ADDR: site.vault.addr, PGHOST: 'h', PGPORT: 'abc' },
        /PGPORT: must be an integer from 1 to 65535/,
      ],
      [{ DSCTL_DATABASE_URL: 'postgres://h/d?port=abc' }, /database\.url: must be an integer from 1 to 65535/],
    ] as const) {
      const result = await site.dsctl(['list'], { home, env })
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(says) })
    }
  })

  test('a standard input that cannot be read', () => {
    const file = openSync(join(folderWith({}), 'written'), 'w')
    const env = cleanEnvironment(site.env, site.home)
    const result = spawnSync(process.execPath, [BIN, 'apply', '-f', '-'], { env, stdio: [file, 'ignore', 'pipe'] })
    expect(result.stderr.toString()).toBe('dsctl: Standard input cannot be read (EBADF).\n')
    expect(result.status).toBe(2)
    closeSync(file)
  })

  test('a Vault token that a header cannot hold', async () => {
    const result = await site.dsctl(['list', '-o', 'json'], { env: { VAULT_TOKEN: 'MARKER\ntoken' } })
    expect(result.code).toBe(2)
    expectNoMarker(result)
    expect(jsonError(result).message).toContain('token')
  })
})
