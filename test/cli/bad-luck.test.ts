import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mainRequest, plainFields, plainStored } from '../support/examples.ts'
import { CUT_AFTER, CUT_BEFORE, hold, SWALLOW } from '../support/faults.ts'
import { addIntent } from '../support/intents.ts'
import { listen } from '../support/listen.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json, jsonError, type RunOptions, type RunResult, temporaryFolder } from '../support/run.ts'
import { type ScratchDatabase, scratchDatabase } from '../support/servers.ts'
import { adminPolicy, createSite, type Site } from '../support/site.ts'
import {
  type Everything,
  eventsOf,
  everythingIn,
  expireLeases,
  livePairs,
  openIntentsIn,
  orphanSecretsIn,
} from '../support/stored.ts'
import { answerWith } from '../support/vault-proxy.ts'
import { MARKERS } from '../unit/source-types/samples.ts'

let site: Site
let proxied: ProxiedSite
/** A source that every command is tried on. */
let id: string

beforeAll(async () => {
  site = await createSite()
  proxied = await proxySite(site)
  const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
  id = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
})
afterEach(async () => {
  await proxied.restore()
  expect(await livePairs(site)).toEqual([{ name: 'Present', env: 'dev', type: 'postgres', secret: plainStored }])
})
afterAll(async () => {
  proxied.close()
  await site.drop()
})

/** Every command that asks a server. */
const COMMANDS = {
  list: () => ['list'],
  get: () => ['get', id],
  create: () => ['create', '-f', '-'],
  'update of a name': () => ['update', id, '--set-name', 'Never'],
  'update of credentials': () => ['update', id, '--port', '7000'],
  delete: () => ['delete', id, '--yes'],
} satisfies Record<string, () => string[]>
type Command = keyof typeof COMMANDS
const ALL = Object.keys(COMMANDS) as Command[]

interface Failure {
  readonly exit: number
  readonly code: string
  /** In the message; what to do stands in the hint, which is never missing. */
  readonly says: RegExp
  readonly advises: RegExp
  readonly outcome?: string
}

/** Runs a command as text and with -o json. It fails as it must, says what to do, and writes nothing. */
async function expectFailure(command: Command, options: RunOptions, failure: Failure, timeout = '10') {
  const before = await everythingIn(site)
  const args = [...COMMANDS[command](), '--timeout', timeout]
  const all = { stdin: JSON.stringify(mainRequest), home: temporaryFolder(), ...options }
  const text = await site.dsctl(args, all)
  const document = await site.dsctl([...args, '-o', 'json'], all)
  for (const result of [text, document]) expectClean(result, failure.exit, command)
  const error = jsonError(document)
  const status = { 2: 400, 3: 401, 4: 403, 7: 503 }[failure.exit]
  expect(error, command).toMatchObject({ code: failure.code, exit_code: failure.exit, status })
  expect(error.message).toMatch(failure.says)
  expect(error.hint).toMatch(failure.advises)
  expect(error.outcome).toBe(failure.exit === 7 ? (failure.outcome ?? 'none') : undefined)
  expect(text.stderr).toContain(`dsctl: ${error.message}\n`)
  expect(text.stderr).toContain(`${error.hint}\n`)
  const after = await everythingIn(site)
  expect(after.records).toEqual(before.records)
  expect(dataOf(after)).toEqual(dataOf(before))
  return { before, after }
}

/** Without versions: what is taken back is written anew. */
function dataOf({ secrets }: Everything) {
  return Object.entries(secrets).map(([path, secret]) => [path, secret?.data])
}

function expectClean({ code, stdout, stderr }: RunResult, exit: number, command: string) {
  expect(code, `${command}: ${stderr}`).toBe(exit)
  expect(stdout).toBe('')
  for (const marker of MARKERS) expect(stderr).not.toContain(marker)
  expect(stderr).not.toMatch(/^ +at /m)
}

/** The same for every command, none of which comes so far as to write anything at all. */
async function expectNothingDone(options: RunOptions, failure: Failure, commands = ALL) {
  for (const command of commands) {
    const { before, after } = await expectFailure(command, options, failure)
    expect(after).toEqual(before)
  }
}

describe('the token', () => {
  test('is missing', async () => {
    const failure = { exit: 3, code: 'unauthenticated', says: /No Vault token/, advises: /VAULT_TOKEN/ }
    await expectNothingDone({ env: { VAULT_TOKEN: undefined } }, failure)
  })

  const refused = {
    exit: 3,
    code: 'unauthenticated',
    says: /invalid or has expired, or it lacks the default policy/,
    advises: /VAULT_TOKEN to a valid token/,
  }

  test('is none', async () => {
    await expectNothingDone({ env: { VAULT_TOKEN: 'hvs.MARKERtoken' } }, refused)
  })

  test('has expired', async () => {
    const token = await site.vault.userToken({ email: site.admin.email, ttl: '1s' })
    const asked = () => site.vault.request('GET', 'auth/token/lookup-self', { token })
    await expect.poll(async () => (await asked()).status, { timeout: 20_000, interval: 200 }).toBe(403)
    await expectNothingDone({ env: { VAULT_TOKEN: token } }, refused)
  })

  test('is nobody’s', async () => {
    const failure = { exit: 4, code: 'forbidden', says: /has no e-mail address/, advises: /has no entity|--user/ }
    await expectNothingDone({ env: { VAULT_TOKEN: await site.vault.createToken({}) } }, failure)
    await expectNothingDone({ env: { VAULT_TOKEN: site.vault.rootToken } }, failure, ['list', 'create'])
  })

  test('may not act for another', async () => {
    const failure = { exit: 4, code: 'forbidden', says: /may not act as someone@example\.com/, advises: /dsctl_act_as/ }
    await expectNothingDone({ env: { DSCTL_USER: 'someone@example.com' } }, failure, ['list', 'create'])
  })

  test('may neither write nor remove secrets', async () => {
    const policy = await site.vault.createPolicy(
      'reader',
      `path "${site.vault.mount}/data/*" { capabilities = ["read"] }`,
    )
    const token = await site.vault.userToken({ email: site.admin.email, policies: [policy] })
    const options = { env: { VAULT_TOKEN: token } }
    const failure = { exit: 4, code: 'forbidden', says: /does not allow this token to write/, advises: /policies/ }
    await expectFailure('create', options, failure)
    await expectFailure('update of credentials', options, failure)
    await expectNothingDone(
      options,
      {
        ...failure,
        says: /is not allowed to delete secrets, so nothing was deleted/,
        advises: /delete on the metadata path/,
      },
      ['delete'],
    )
    expect(await openIntentsIn(site)).toEqual([])
  })
})

describe('the mount', () => {
  // A token whose policies would allow anything, so that it is the mount that is wrong.
  const powerful = async () => {
    const { mount } = site.vault
    const all = '{ capabilities = ["create", "read", "update", "delete", "list"] }'
    const policy = await site.vault.createPolicy(
      'all',
      [mount, `${mount}-v1`, 'nowhere'].map(name => `path "${name}/*" ${all}`).join('\n'),
    )
    return site.vault.userToken({ email: site.admin.email, policies: [policy] })
  }
  const commands: Command[] = ['get', 'create', 'update of credentials']

  test('is not there', async () => {
    const env = { VAULT_TOKEN: await powerful(), DSCTL_VAULT_MOUNT: 'nowhere' }
    for (const command of commands)
      await expectFailure(
        command,
        { env },
        { exit: 2, code: 'invalid', says: /no mount nowhere/, advises: /vault\.mount/ },
      )
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('is not there, and a delete is refused before anything is written', async () => {
    const stdin = JSON.stringify({ ...plainFields, name: 'Kept', env: 'dev', type: 'postgres' })
    const { id: other } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const env = { VAULT_TOKEN: await powerful(), DSCTL_VAULT_MOUNT: 'nowhere' }
    const result = await site.dsctl(['delete', other, '--yes', '-o', 'json'], { env })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(jsonError(result)).toMatchObject({ message: expect.stringContaining('no mount nowhere') })
    expect(await site.dsctl(['delete', other, '--yes'])).toMatchObject({ code: 0, stdout: '' })
    expect(await orphanSecretsIn(site)).toEqual([])
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('is KV version 1, and nothing stays in it', async () => {
    const mount = `${site.vault.mount}-v1`
    await site.vault.request('POST', `sys/mounts/${mount}`, { body: { type: 'kv', options: { version: '1' } } })
    const env = { VAULT_TOKEN: await powerful(), DSCTL_VAULT_MOUNT: mount }
    for (const command of commands) {
      const says = /is KV version 1; dsctl needs KV version 2/
      await expectFailure(command, { env }, { exit: 2, code: 'invalid', says, advises: /-version=2/ })
    }
    const id = await site.addDataSource({ name: randomUUID() })
    const refused = await site.dsctl(['delete', id, '--yes'], { env })
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('is KV version 1') })
    expect(await site.dsctl(['get', id])).toMatchObject({ code: 0 })
    await site.database.query('DELETE FROM data_sources WHERE id = $1', [id])
    expect(await openIntentsIn(site)).toEqual([])
    const left = await site.vault.request('GET', `${mount}/?list=true`)
    expect(left.status).toBe(404)
    await site.vault.request('DELETE', `sys/mounts/${mount}`)
  })
})

describe('Vault', () => {
  const sealed = answerWith(503, { errors: ['Vault is sealed'] })

  test('is sealed', async () => {
    proxied.vault.at(/./, sealed)
    await expectNothingDone(
      { env: proxied.env },
      { exit: 7, code: 'unavailable', says: /Vault is sealed/, advises: /vault operator unseal/ },
    )
  })

  test('is down', async () => {
    await proxied.vault.down()
    const failure = {
      exit: 7,
      code: 'unavailable',
      says: /Vault at 127\.0\.0\.1:\d+ cannot be reached: the connection was refused/,
      advises: /VAULT_ADDR/,
    }
    await expectNothingDone({ env: proxied.env }, failure)
    await proxied.vault.up()
  })

  test('answers nothing', async () => {
    proxied.vault.freeze()
    for (const command of ALL) {
      const failure = {
        exit: 7,
        code: 'unavailable',
        says: /Vault at .* did not answer in time/,
        advises: /Vault is running/,
      }
      const { before, after } = await expectFailure(command, { env: proxied.env }, failure, '1')
      expect(after).toEqual(before)
    }
  })

  test('takes too many requests', async () => {
    proxied.vault.at(/lookup-self/, answerWith(429, { errors: ['too many requests'] }))
    const failure = { exit: 7, code: 'unavailable', says: /rate limiting/, advises: /again/ }
    await expectNothingDone({ env: proxied.env }, failure, ['list', 'create'])
  })

  test('is something else', async () => {
    proxied.vault.at(/./, answerWith(200, '<html>MARKERtoken</html>'))
    const result = await proxied.dsctl(['list', '-o', 'json'])
    expect(result.stdout + result.stderr).not.toContain('MARKER')
    expect(result).toMatchObject({ code: expect.toSatisfy((code: number) => [2, 3].includes(code)), stdout: '' })
  })

  test('is sealed when the credentials of a new source are to be written, and nothing is left', async () => {
    proxied.vault.at(/^POST .*\/data\//, sealed)
    const failure = { exit: 7, code: 'unavailable', says: /Vault is sealed/, advises: /unseal/ }
    await expectFailure('create', { env: proxied.env }, failure, '1')
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
  })

  test.each(['create', 'update of credentials'] as const)(
    'is sealed from the write of a %s on, which is taken back when it answers again',
    async command => {
      proxied.vault.at(/^(POST|DELETE) .*\/(data|metadata)\//, sealed)
      const stdin = JSON.stringify(mainRequest)
      const result = await proxied.dsctl([...COMMANDS[command](), '--timeout', '1', '-o', 'json'], { stdin })
      expectClean(result, 7, command)
      expect(jsonError(result)).toMatchObject({ code: 'unavailable', message: 'Vault is sealed.', outcome: 'undoing' })
      expect(jsonError(result).hint).toMatch(/settles it/)
      expect(await openIntentsIn(site)).toHaveLength(1)
      await proxied.restore()
      await expireLeases(site)
      const next = command === 'create' ? COMMANDS.create() : ['update', id, '--port', '7001']
      const again = await proxied.dsctl([...next, '-o', 'json'], { stdin })
      expect(again.code, again.stderr).toBe(0)
      expect(await openIntentsIn(site)).toEqual([])
      expect(await orphanSecretsIn(site)).toEqual([])
      if (command === 'create') await site.dsctl(['delete', json(again).id, '--yes'])
      else await site.dsctl(['update', id, '--unset', 'port'])
    },
  )

  test('fails the read of an update that is done, which answers without credentials', async () => {
    proxied.vault.at(/^GET .*\/data\//, sealed)
    const result = await proxied.dsctl(['update', id, '--set-env', 'prod', '-o', 'json'])
    expect(result).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('The credentials could not be read: Vault is sealed.'),
    })
    expect(json(result)).toMatchObject({ env: 'prod', credentials: null })
    await proxied.restore()
    await site.dsctl(['update', id, '--set-env', 'dev'])
  })

  test('fails the read of a get, which is then no answer', async () => {
    proxied.vault.at(/^GET .*\/data\//, sealed)
    const failure = { exit: 7, code: 'unavailable', says: /Vault is sealed/, advises: /unseal/ }
    await expectFailure('get', { env: proxied.env }, failure)
  })

  test('fails the removal of a delete, which is then owed and paid by the next', async () => {
    const stdin = JSON.stringify({ ...plainFields, name: 'Owed', env: 'dev', type: 'postgres' })
    const { id: other } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    proxied.vault.at(/^DELETE/, sealed)
    for (const ref of ['Owed', other, 'Owed']) {
      const result = await proxied.dsctl(['delete', ref, '--yes', '--timeout', '1', '-o', 'json'])
      expect(result).toMatchObject({ code: 7, stdout: '' })
      const hint = expect.stringContaining(`dsctl delete ${other}`)
      expect(jsonError(result)).toMatchObject({ code: 'unavailable', outcome: 'owed', id: other, hint })
      expect(jsonError(result).message).toMatch(/The data source is deleted, but its secret is still in Vault/)
    }
    const several = await proxied.dsctl(['delete', 'Owed', other, '--yes', '--timeout', '1', '-o', 'json'])
    expect(several.code, several.stderr).toBe(8)
    const error = { exit_code: 7, outcome: 'owed', hint: expect.stringContaining('dsctl doctor --fix') }
    expect(json(several)).toMatchObject([{ error }, { error }])
    expect(await site.dsctl(['get', other])).toMatchObject({ code: 5 })
    expect(await orphanSecretsIn(site)).toEqual([`data-sources/${other}`])
    await proxied.restore()
    expect(await proxied.dsctl(['delete', 'Owed', '--yes'])).toMatchObject({ code: 0, stdout: '' })
    expect(await orphanSecretsIn(site)).toEqual([])
    expect(await openIntentsIn(site)).toEqual([])
    expect(await proxied.dsctl(['delete', other, '--yes'])).toMatchObject({ code: 5 })
  })
})

describe('Postgres', () => {
  test('is down', async () => {
    await proxied.postgres.down()
    const failure = {
      exit: 7,
      code: 'unavailable',
      says: /Postgres at 127\.0\.0\.1:\d+\/\S+ cannot be reached: the connection was refused/,
      advises: /database\.url/,
    }
    await expectNothingDone({ env: proxied.env }, failure)
    await proxied.postgres.up()
  })

  test('answers nothing', async () => {
    proxied.postgres.freeze()
    for (const command of ALL) {
      const failure = {
        exit: 7,
        code: 'unavailable',
        says: /Postgres at .* the connection timed out/,
        advises: /database\.url/,
      }
      const { before, after } = await expectFailure(command, { env: proxied.env }, failure, '1')
      expect(after).toEqual(before)
    }
  })

  test.each([
    ['before', CUT_BEFORE],
    ['after', CUT_AFTER],
  ])('breaks every connection %s it has done what it was asked', async (_, fault) => {
    proxied.postgres.at(/./, fault)
    const stdin = JSON.stringify(mainRequest)
    for (const command of ['list', 'get', 'create', 'update of credentials'] as const) {
      const result = await proxied.dsctl([...COMMANDS[command](), '--timeout', '1', '-o', 'json'], { stdin })
      expectClean(result, 7, command)
      expect(jsonError(result).message).toMatch(/The connection to Postgres was lost before the statement completed/)
    }
    await proxied.restore()
    await expireLeases(site)
    const created = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
    expect(created.code, created.stderr).toBe(0)
    await site.dsctl(['delete', json(created).id, '--yes'])
    await site.dsctl(['update', id, '--host', plainFields.host])
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
  })

  test('does not answer a read', async () => {
    for (const [command, statement] of [
      ['list', /dsctl list/],
      ['get', /dsctl find/],
    ] as const) {
      proxied.postgres.at(statement, SWALLOW)
      const failure = { exit: 7, code: 'unavailable', says: /did not respond within 1 seconds/, advises: /--timeout/ }
      await expectFailure(command, { env: proxied.env }, failure, '1')
    }
    expect(proxied.postgres.events).toContain('cancel')
  })

  test('does not answer the first statement of a change: it may be done or not, and the error says which it is', async () => {
    for (const [command, statement, outcome] of [
      ['update of a name', /dsctl update \*/, 'unknown'],
      ['create', /begin create/, 'undoing'],
      ['update of credentials', /begin update/, 'undoing'],
    ] as const) {
      proxied.postgres.at(statement, SWALLOW)
      const failure = { exit: 7, code: 'unavailable', says: /did not respond within 1 seconds/, advises: /\S/, outcome }
      await expectFailure(command, { env: proxied.env }, failure, '1')
      await proxied.restore()
    }
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('has done a plain update whose answer is lost, which its second try finds done', async () => {
    const told = () => eventsOf(site, `action = 'update' AND data_source_id = $1`, [id])
    const before = await told()
    const answers = [CUT_AFTER.after()]
    const once = { after: () => answers.shift() }
    proxied.postgres.at(/dsctl update \*/, once)
    const result = await proxied.dsctl(['update', id, '--set-env', 'prod', '-o', 'json'])
    expect(result).toMatchObject({ code: 0 })
    expect(json(result).env).toBe('prod')
    expect((await told()).map(({ outcome }) => outcome)).toEqual([...before.map(({ outcome }) => outcome), 'done'])
    expect(answers).toEqual([])
    await site.dsctl(['update', id, '--set-env', 'dev'])
  })

  describe('loses the first try of a change, and another does the same before the second', () => {
    /** Breaks the connection at a statement when `meanwhile` has been done; the statement arrives when it is let go. */
    function late(which: RegExp, meanwhile: () => Promise<unknown>) {
      const { before, release } = hold()
      let met = false
      proxied.postgres.at(which, {
        async before(statement) {
          if (met) return undefined
          met = true
          await meanwhile()
          statement.hangUp()
          return before()
        },
      })
      return release
    }

    const expectUnknown = (result: RunResult) => {
      expect(result, result.stdout).toMatchObject({ code: 7, stdout: '' })
      expect(jsonError(result)).toMatchObject({ outcome: 'unknown' })
    }

    test('of a plain update, which may yet come over a later one', async () => {
      const env = async () => (await site.database.query('SELECT env FROM data_sources WHERE id = $1', [id]))[0].env
      const release = late(/dsctl update \*/, () => site.dsctl(['update', id, '--set-env', 'prod']))
      expectUnknown(await proxied.dsctl(['update', id, '--set-env', 'prod', '-o', 'json']))
      expect(await site.dsctl(['update', id, '--set-env', 'dev'])).toMatchObject({ code: 0 })
      release()
      await expect.poll(env).toBe('prod')
      await site.dsctl(['update', id, '--set-env', 'dev'])
    })

    test('of a delete by name, which may yet find a later source of that name', async () => {
      const stdin = JSON.stringify({ name: 'Twice', env: 'dev', type: 'postgres', ...plainFields })
      const make = async () => json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
      const first = await make()
      const owed = async () => {
        await site.database.query('UPDATE data_sources SET deleted_at = now() WHERE id = $1', [first])
        await addIntent(site, { kind: 'delete', state: 'open', id: first, name: 'Twice' })
      }
      const release = late(/begin delete/, owed)
      expectUnknown(await proxied.dsctl(['delete', 'Twice', '--yes', '-o', 'json']))
      await make()
      release()
      await expect.poll(async () => (await livePairs(site)).map(({ name }) => name)).toEqual(['Present'])
      await expireLeases(site)
      expect(await site.dsctl(['doctor', '--fix'])).toMatchObject({ code: 0 })
      expect(await orphanSecretsIn(site)).toEqual([])
    })
  })

  test('refuses the role', async () => {
    const { role, url } = await site.database.createRole()
    await site.database.query(`ALTER ROLE "${role}" NOLOGIN`)
    const unknown = new URL(url)
    unknown.username = 'dsctl_nobody'
    for (const refused of [url, unknown.href]) {
      const withPassword = new URL(refused)
      withPassword.password = 'MARKERpassword'
      const env = { DSCTL_DATABASE_URL: withPassword.href }
      const failure = {
        exit: 3,
        code: 'unauthenticated',
        says: /refused the user name or password/,
        advises: /PGPASSWORD/,
      }
      await expectNothingDone({ env }, failure, refused === url ? ALL : ['list'])
    }
  })

  test('has no such database', async () => {
    const url = new URL(site.database.url)
    url.pathname = 'no_such_database'
    url.password = 'MARKERpassword'
    const failure = {
      exit: 2,
      code: 'invalid',
      says: /\/no_such_database has no such database/,
      advises: /database\.url/,
    }
    await expectNothingDone({ env: { DSCTL_DATABASE_URL: url.href } }, failure)
  })

  test('is somewhere else', async () => {
    const greeting = Buffer.from(`J\0\0\0\n8.0.30\0${'\0'.repeat(70)}`, 'latin1')
    const port = await listen(createServer(socket => socket.on('error', () => {}).write(greeting)))
    const other = `postgres://u:MARKERpassword@127.0.0.1:${port}/d`
    for (const [url, says] of [
      ['postgres://u:MARKERpassword@127.0.0.1:1/d', /127\.0\.0\.1:1\/d cannot be reached: the connection was refused/],
      ['postgres://u:MARKERpassword@no-such-host.invalid/d', /no-such-host\.invalid\/d cannot be reached/],
      [
        site.vault.addr.replace('http://', 'postgres://u:MARKERpassword@'),
        /(the connection timed out|is not a Postgres server)/,
      ],
      // One that speaks first and does not hang up, as MySQL does.
      [other, /cannot be reached/],
      [`${other}?sslmode=require`, /cannot be reached/],
    ] as const) {
      const failure = { exit: 7, code: 'unavailable', says, advises: /database\.url/ }
      await expectFailure('list', { env: { DSCTL_DATABASE_URL: url } }, failure, '2')
    }
  })

  describe('is not prepared', () => {
    let empty: ScratchDatabase
    beforeAll(async () => {
      empty = await scratchDatabase()
    })
    afterAll(() => empty.drop())

    test('at all', async () => {
      const failure = { exit: 2, code: 'invalid', says: /not set up for dsctl/, advises: /dsctl init/ }
      await expectNothingDone({ env: { DSCTL_DATABASE_URL: empty.url } }, failure)
    })
  })
})

describe('a privilege is missing', () => {
  const READ = 'organizations, users, users_to_organizations, data_sources, datasets'
  /** The environment of a role that has what is granted to it. */
  const as = async (...grants: string[]) => {
    const { role, url } = await site.database.createRole()
    for (const grant of grants) await site.database.query(`GRANT ${grant} TO "${role}"`)
    return { env: { DSCTL_DATABASE_URL: url } }
  }
  const usage = 'USAGE ON SCHEMA dsctl'
  const intents = 'SELECT, INSERT, UPDATE, DELETE ON dsctl.pending_operations'
  const events = 'SELECT, INSERT ON dsctl.audit_events'
  const forbidden = { exit: 4, code: 'forbidden' }

  test('all of them', async () => {
    const failure = { ...forbidden, says: /permission denied for (table|schema) \w+/, advises: /GRANT (SELECT|USAGE)/ }
    await expectNothingDone(await as(), failure)
  })

  test.each([
    [
      'to read the users',
      ['SELECT ON organizations, users_to_organizations, data_sources, datasets', usage, intents, events],
      'list',
      /table users/,
      /GRANT SELECT ON users TO/,
    ],
    [
      'to use dsctl’s schema',
      [`SELECT, INSERT, UPDATE ON ${READ}`],
      'create',
      /schema dsctl/,
      /GRANT USAGE ON SCHEMA dsctl TO/,
    ],
    [
      'to record an intent',
      [`SELECT, INSERT, UPDATE ON ${READ}`, usage, events],
      'create',
      /table pending_operations/,
      /GRANT SELECT, INSERT, UPDATE, DELETE ON dsctl\.pending_operations TO/,
    ],
    [
      'to write the audit trail',
      [`SELECT, INSERT, UPDATE ON ${READ}`, usage, intents],
      'update of a name',
      /table audit_events/,
      /GRANT SELECT, INSERT ON dsctl\.audit_events TO/,
    ],
    [
      'to insert a record',
      [`SELECT ON ${READ}`, usage, intents, events],
      'create',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
    [
      'to update a record',
      [`SELECT ON ${READ}`, usage, intents, events],
      'update of a name',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
    [
      'to update a record, at the last step',
      [`SELECT ON ${READ}`, usage, intents, events],
      'update of credentials',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
    [
      'to delete a record',
      [`SELECT ON ${READ}`, usage, intents, events],
      'delete',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
  ] as const)('%s', async (_, grants, command, says, advises) => {
    await expectFailure(command, await as(...grants), { ...forbidden, says, advises })
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
  })

  test('to tell of a read, which goes through with a warning', async () => {
    const { env } = await as(`SELECT ON ${READ}`, usage)
    const result = await site.dsctl(['get', id, '-o', 'json'], { env })
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('not in the audit trail') })
    expect(json(result)).toMatchObject({ id, credentials: { host: 'db.example.com' } })
  })

  test('none that the least recipe has', async () => {
    const options = await as(`SELECT ON ${READ}`, 'INSERT, UPDATE ON data_sources', usage, intents, events)
    const stdin = JSON.stringify({ ...mainRequest, name: randomUUID() })
    const created = await site.dsctl(['create', '-f', '-', '-o', 'json'], { ...options, stdin })
    expect(created.code, created.stderr).toBe(0)
    const other = json(created).id
    for (const args of [
      ['list'],
      ['get', other],
      ['update', other, '--port', '1'],
      ['update', other, '--set-env', 'x'],
      ['delete', other, '--yes'],
    ]) {
      const result = await site.dsctl(args, options)
      expect(result.code, result.stderr).toBe(0)
    }
  })
})

test('with everything as it should be, the same commands work', async () => {
  const policy = await site.vault.createPolicy('again', adminPolicy(site.vault.mount))
  const token = await site.vault.userToken({ email: site.admin.email, policies: [policy] })
  for (const command of ['list', 'get'] as const) {
    const result = await proxied.dsctl(COMMANDS[command](), { env: { VAULT_TOKEN: token } })
    expect(result).toMatchObject({ code: 0, stderr: '' })
  }
})
