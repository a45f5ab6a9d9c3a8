import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  CANARIES,
  canariesIn,
  canaryAccount,
  canaryKey,
  expectNoCanary,
  expectUnseen,
  filesWithCanary,
} from '../support/canaries.ts'
import {
  type Call,
  canaryEnvironment,
  changeCommands,
  create,
  FORMATS,
  holdSecretWrite,
  mistakenCommands,
  named,
  postgres,
  REQUESTS,
  readCommands,
  runAll,
  THROWER,
  tunnel,
  withPassword,
} from '../support/canary-commands.ts'
import { CUT_AFTER, CUT_BEFORE, hold } from '../support/faults.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { folderWith } from '../support/requests.ts'
import { json, jsonError, type RunOptions, type RunResult, temporaryFolder } from '../support/run.ts'
import { rowsIn } from '../support/schema.ts'
import { createSite, type Site } from '../support/site.ts'
import { STEPS } from '../support/steps.ts'
import { terminal } from '../support/terminal.ts'
import { answerAfterwardsWith, answerWith } from '../support/vault-proxy.ts'

let site: Site
let proxied: ProxiedSite
let [home, cwd, secrets, token] = ['', '', '', '']
/** One source of each kind of secret, all with canaries. */
const ids: string[] = []

beforeAll(async () => {
  site = await createSite()
  proxied = await proxySite(site)
  token = site.env.VAULT_TOKEN ?? ''
  home = temporaryFolder()
  cwd = temporaryFolder()
  mkdirSync(join(cwd, 'tmp'))
  secrets = folderWith({ password: CANARIES.file, key: canaryKey, account: JSON.stringify(canaryAccount) })
  for (const request of REQUESTS) {
    const result = await run(['create', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(named(request)) })
    expect(result.code, result.stderr).toBe(0)
    ids.push(json(result).id)
  }
})
afterEach(() => proxied.restore())
afterAll(async () => {
  proxied.close()
  await site.drop()
})

/** Runs dsctl with a canary for every secret, and checks all output for canaries. */
async function run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const env = { ...canaryEnvironment(proxied, join(cwd, 'tmp')), ...options.env }
  const result = await site.spawnDsctl(args, { home, cwd, timeout: 60_000, ...options, env }).result
  expectNoCanary(result, `dsctl ${args.join(' ')}`, [token])
  return result
}

const [one, two] = [() => ids[0] ?? '', () => ids[1] ?? '']
const expectHidden = (pid = 0) => expectUnseen(pid, { folders: [home, cwd], secrets: [token] })
const sources = () => ({ ids, secrets, mount: site.vault.mount })

describe('no secret is printed', () => {
  test.each(FORMATS)('by any command that reads, as %s', async format => {
    const codes = await runAll(run, readCommands(sources()), [format])
    // An unknown record, then a difference, then two failed connections.
    expect(codes.filter(code => code !== 0)).toEqual([5, 9, 8, 8])
  })

  test.each(FORMATS)('by any command that changes something, as %s', async format => {
    const codes = await runAll(run, changeCommands(sources()), [format])
    // The delete of unknown records, and the create whose connection fails.
    expect(codes.filter(code => code !== 0)).toEqual([8, 8])
  })

  test.each(['table', 'json'])('about any mistake, as %s', async format => {
    const codes = await runAll(run, mistakenCommands(sources()), [format])
    expect(codes.filter(code => code !== 2)).toEqual([])
  })

  test('with -v, DEBUG=* and NODE_DEBUG', async () => {
    const more = { args: ['-v'], env: { DEBUG: '*', NODE_DEBUG: 'http,https,net,tls' } }
    await runAll(run, [...readCommands(sources()), ...changeCommands(sources())], ['json'], more)
    await runAll(run, mistakenCommands(sources()), ['table'], more)
  })

  test('by login, which writes the token only to its file', async () => {
    const own = temporaryFolder()
    const mine = { home: own, env: { VAULT_TOKEN: undefined } }
    for (const format of ['table', 'json']) {
      await run(['login', '--method', 'userpass', '--username', 'nobody', '--password', '-', '-o', format], {
        ...mine,
        stdin: CANARIES.login,
      })
      const result = await run(['login', '--token', '-', '-o', format, '-v'], { ...mine, stdin: token })
      expect(result.code, result.stderr).toBe(0)
    }
    expect(filesWithCanary(own, [token])).toEqual([join(own, '.vault-token')])
    expect(canariesIn(readFileSync(join(own, '.vault-token'), 'utf8'))).toEqual([])
  })

  const secret = CANARIES.extra
  test.each<Record<string, unknown>>([
    { type: 'postgres', host: 'h', password: secret, extra: secret, [`${'nested'}`]: { password: secret } },
    { type: 'postgres', host: `https://u:${secret}@h/`, port: { secret }, username: [secret], password: [secret] },
    { type: 'postgres', host: { secret }, port: [secret], default_schema: { secret }, schemas: [secret, secret] },
    { type: 'postgres', username: canaryKey, password: { [secret]: secret }, ssl_ca: canaryKey },
    { type: 'mysql', password: secret },
    // `String` throws for these.
    { type: { toString: null }, host: { toString: null }, password: { toString: null, secret } },
    {},
  ])('in credentials that others stored in unexpected form %#', async data => {
    for (const type of ['postgres', 'oracle']) {
      const id = await site.addDataSource({ name: randomUUID(), type })
      await site.vault.writeSecret(`data-sources/${id}`, data)
      const codes = [
        ...(await runAll(run, [{ args: ['get', id] }], ['table', 'json'])),
        ...(await runAll(
          run,
          [{ args: ['update', id, '--port', '1'] }, { args: ['update', id, '--port', 'x'] }],
          ['json'],
        )),
        (await run(['onboarding', id, 'failed', '--error', 'It does not answer.'])).code,
        (await run(['doctor', '--deep', '-o', 'json'])).code,
        (await run(['delete', id, '--yes'])).code,
      ]
      expect(codes, JSON.stringify([type, data])).not.toContain(1)
    }
  })
})

describe('no secret is printed when', () => {
  const some = (): Call[] => [
    { args: ['list'] },
    { args: ['get', one()] },
    { args: ['create', '-f', '-'], stdin: JSON.stringify(named({ ...postgres, ...tunnel })) },
    create('--password', `vault:${site.vault.mount}/data-sources/${one()}#password`),
    { args: ['update', one(), '--password', '-'], stdin: `${CANARIES.stdin}${randomUUID()}` },
    { args: ['update', one(), '--set-env', randomUUID()] },
    { args: ['delete', two(), '--yes'] },
    { args: ['init', '--check'] },
    { args: ['whoami'] },
    { args: ['doctor', '--deep'] },
  ]
  const loud = { args: ['-v', '--timeout', '1'], env: { DEBUG: '*', NODE_DEBUG: 'http' } }
  const echo = {
    errors: [CANARIES.request, `failed to parse {"password":"${CANARIES.request}"}`],
    data: { password: CANARIES.request },
  }
  // Each call in one of the two formats that an error has, the next time in the other.
  let tries = 0
  const expectFailures = async (calls: readonly Call[], options: typeof loud & RunOptions = loud) => {
    const codes: (number | null)[] = []
    for (const [at, call] of calls.entries()) {
      codes.push(...(await runAll(run, [call], [(at + tries) % 2 ? 'json' : 'table'], options)))
    }
    tries++
    // Neither killed nor a bug.
    expect(codes.filter(code => code === null || code === 1)).toEqual([])
    expect(codes.some(code => code !== 0)).toBe(true)
  }

  test('Vault is down', async () => {
    await proxied.vault.down()
    await expectFailures(some())
    await proxied.vault.up()
  })

  test.each([400, 403, 404, 500, 503])('Vault answers %d and repeats the request', async status => {
    proxied.vault.at(/./, answerWith(status, echo))
    await expectFailures(some())
    await proxied.restore()
    proxied.vault.at(/\/data\//, answerWith(status, echo))
    await expectFailures(some())
  })

  test('Vault does a request but answers with an error', async () => {
    proxied.vault.at(/^(POST|GET) .*\/data\//, answerAfterwardsWith(500, echo))
    await expectFailures(some())
  })

  test.each([
    ['a page of HTML', `<html>${CANARIES.request}</html>`],
    ['a text where an object should be', { data: CANARIES.request }],
    ['credentials that are a text', { data: { data: CANARIES.request, metadata: { version: 1 } } }],
    ['nothing', undefined],
  ])('Vault answers %s', async (_, body) => {
    proxied.vault.at(/\/data\//, answerWith(200, body))
    await expectFailures(some())
    await proxied.restore()
    proxied.vault.at(/./, answerWith(200, body))
    await expectFailures(some())
  })

  test('Vault redirects to another server', async () => {
    const location = `http://u:${CANARIES.request}@127.0.0.1:1/${CANARIES.request}`
    proxied.vault.at(/./, answerWith(307, echo, { Location: location }))
    await expectFailures(some())
  })

  test.each([
    ['before', CUT_BEFORE],
    ['after', CUT_AFTER],
  ])('the connection to Vault breaks %s the request is done', async (_, fault) => {
    proxied.vault.at(/\/(data|metadata)\//, fault)
    await expectFailures(some())
  })

  test('Vault does not answer', async () => {
    proxied.vault.freeze()
    await expectFailures(some().slice(0, 5))
  })

  test('Postgres is down', async () => {
    await proxied.postgres.down()
    await expectFailures(some())
    await proxied.postgres.up()
  })

  test('Postgres does not answer', async () => {
    proxied.postgres.freeze()
    await expectFailures(some().slice(0, 5))
  })

  test.each([
    ['before', CUT_BEFORE],
    ['after', CUT_AFTER],
  ])('the connection to Postgres breaks %s the statement is done', async (_, fault) => {
    proxied.postgres.at(/./, fault)
    await expectFailures(some())
  })

  test('Postgres refuses the user, the database, or a privilege', async () => {
    const { role, url } = await site.database.createRole()
    const other = new URL(site.database.url)
    other.pathname = 'none'
    for (const wrong of [url, other.href])
      await expectFailures(some().slice(0, 6), {
        ...loud,
        env: { ...loud.env, DSCTL_DATABASE_URL: withPassword(wrong) },
      })
    await site.database.query(`ALTER ROLE "${role}" NOLOGIN`)
    await expectFailures(some().slice(0, 6), { ...loud, env: { ...loud.env, DSCTL_DATABASE_URL: withPassword(url) } })
  })

  test('the database URL is wrong', async () => {
    const secret = CANARIES.database
    for (const url of [
      secret,
      `postgres://u:${secret}@127.0.0.1:1/d`,
      `postgres://u:1/${secret}@127.0.0.1:1/d`,
      `postgres://u:1?${secret}@127.0.0.1:1/d`,
      `postgres://u:1#${secret}@127.0.0.1:1/d`,
      `postgres://u:%${secret}@127.0.0.1:1/d`,
      `postgres://127.0.0.1:1/d?password=${secret}`,
      `postgres://127.0.0.1:1/d?passwrd=${secret}`,
      `postgres://u:${secret}@127.0.0.1:1/d?sslmode=${'x'}`,
      `mysql://u:${secret}@127.0.0.1/d`,
    ])
      await expectFailures(some().slice(0, 2), { ...loud, env: { ...loud.env, DSCTL_DATABASE_URL: url } })
  })

  test('the token is wrong', async () => {
    for (const wrong of [
      CANARIES.mistake,
      `${CANARIES.mistake}\n${CANARIES.mistake}`,
      `${CANARIES.mistake}é`,
      ` ${CANARIES.mistake} x`,
    ])
      await expectFailures(some().slice(0, 4), { ...loud, env: { ...loud.env, VAULT_TOKEN: wrong } } as typeof loud)
  })

  test('the Vault address contains a password', async () => {
    const addr = `http://u:${CANARIES.login}@127.0.0.1:1`
    await expectFailures(
      [...some().slice(0, 3), { args: ['config', 'list'] }, { args: ['config', 'get', 'vault.addr'] }],
      {
        ...loud,
        env: { ...loud.env, VAULT_ADDR: addr },
      } as typeof loud,
    )
  })

  test('dsctl is interrupted', async () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGABRT'] as const) {
      for (const { server, which } of STEPS.create) {
        const held = hold()
        if (server === 'vault') proxied.vault.at(which, held)
        else proxied.postgres.at(which, held)
        const stdin = JSON.stringify(named(postgres))
        const running = proxied.spawn(['create', '-f', '-', '-v'], { stdin, home, cwd, env: { DEBUG: '*' } })
        const seen = () => (server === 'vault' ? proxied.vault.exchanges : proxied.postgres.statements)
        const count = seen().length
        await expect
          .poll(
            () =>
              seen()
                .slice(count)
                .some(message => which.test('sql' in message ? message.sql : `${message.method} ${message.path}`)),
            { timeout: 10_000 },
          )
          .toBe(true)
        running.child.kill(signal)
        setTimeout(held.release, 200)
        expectNoCanary(await running.result, `${signal} ${String(which)}`, [token])
        await proxied.restore()
      }
    }
  })
})

describe('an uncaught error prints no secret and no default Node output', () => {
  test.each([
    ['an error', "throw new Error('cannot use ' + secret)", 'json'],
    ['an error of the engine, on several lines', "throw new TypeError(secret + '\\n    at ' + secret)", 'table'],
    [
      'an error that holds more',
      'throw Object.assign(new Error(secret, { cause: secret }), { name: secret, code: secret, config: [secret] })',
      'table',
    ],
    ['a rejection', 'Promise.reject(new Error(secret))', 'json'],
    ['a text', 'throw secret', 'table'],
    ['an object', 'Promise.reject({ password: secret })', 'json'],
  ])('%s', async (_, THROWN, format) => {
    const thrower = join(folderWith({ 'thrower.cjs': THROWER }), 'thrower.cjs')
    const env = { SECRET: CANARIES.variable, THROWN, NODE_OPTIONS: `--require ${thrower}`, DEBUG: '*' }
    const { running, release } = await holding(create('--password', 'env:SECRET', '-o', format), env)
    running.child.kill('SIGUSR2')
    const result = await running.result
    release()
    expect(result).toMatchObject({ code: 1, signal: null, stdout: '' })
    expectNoCanary(result, THROWN, [token])
    if (format === 'json') expect(jsonError(result)).toMatchObject({ code: 'bug', exit_code: 1 })
    else expect(result.stderr).toMatch(/^dsctl: .*\n( {4}at .*\n)*This is a bug in dsctl/)
  })
})

test.skipIf(process.platform !== 'linux')('no secret is visible to other processes while dsctl holds it', async () => {
  const env = { SECRET: CANARIES.variable, TMPDIR: join(cwd, 'tmp') }
  for (const source of ['-', 'env:SECRET', `@${secrets}/password`]) {
    const { running, release } = await holding(create('--password', source), env)
    expectHidden(running.child.pid)
    release()
    expect((await running.result).code).toBe(0)
  }
  const write = holdSecretWrite(proxied)
  const { args } = create('--port', '1', '--default-schema', 's', '--ssl-mode', 'require')
  const screen = terminal(args, { home, cwd, env: { ...proxied.env, ...env } })
  for (const [question, keys] of [
    ['Password', `${CANARIES.stdin}\n`],
    ['Connect through an SSH jump host?', '\n'],
    ['Save this data source?', '\n'],
  ] as const) {
    await screen.waitFor(question)
    screen.type(keys)
  }
  await write.seen()
  expectHidden(screen.pid)
  write.release()
  expect(await screen.exit).toMatchObject({ code: 0 })
  expect(canariesIn(screen.raw(), [token])).toEqual([])
})

/** Starts a create and delays the answer to its secret write, so that dsctl still holds the secret. */
async function holding({ args, stdin }: Call, env: Record<string, string>) {
  const { seen, release } = holdSecretWrite(proxied)
  const running = proxied.spawn(args, { stdin, home, cwd, env })
  await seen()
  return { running, release }
}

test('in the end no file or row contains a secret, and Vault has them', async () => {
  expect(filesWithCanary(home, [token])).toEqual([])
  expect(filesWithCanary(cwd, [token])).toEqual([])
  for (const schema of ['public', 'dsctl']) {
    const rows = await rowsIn(site.database, schema)
    for (const [table, all] of Object.entries(rows)) expect(canariesIn(JSON.stringify(all), [token]), table).toEqual([])
    expect(Object.values(rows).flat().length).toBeGreaterThan(10)
  }
  const stored = JSON.stringify((await site.vault.readSecret(`data-sources/${one()}`))?.data)
  expect(canariesIn(stored)).toEqual(expect.arrayContaining([CANARIES.passphrase]))
})
