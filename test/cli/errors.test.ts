import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DsctlError, ERROR_CODES, UnavailableError } from '../../src/domain/errors.ts'
import { connectFailure } from '../../src/postgres/connection/connect-failure.ts'
import { statementFailure } from '../../src/postgres/connection/failure.ts'
import { readConnectionSettings } from '../../src/postgres/connection/settings.ts'
import { printError } from '../../src/terminal/messages.ts'
import { vaultError } from '../../src/vault/errors.ts'
import { refuseWith } from '../support/postgres-proxy.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { jsonError, type RunResult } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { STEPS } from '../support/steps.ts'
import { expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'
import { answerWith } from '../support/vault-proxy.ts'
import { captureStreams } from '../unit/terminal/capture-streams.ts'

// Which error code a script gets for each response of Postgres and Vault. The first tests call the functions that map
// them; the others have a server send them at each step of an operation.

type Code = keyof typeof ERROR_CODES

/** The documented contract, repeated here on purpose. */
const CONTRACT: Readonly<Record<Code, readonly [exit: number, status: number | undefined]>> = {
  bug: [1, 500],
  replaced: [1, 500],
  unwritten: [1, 500],
  invalid: [2, 400],
  unauthenticated: [3, 401],
  forbidden: [4, 403],
  not_found: [5, 404],
  conflict: [6, 409],
  unavailable: [7, 503],
  unhealthy: [8, undefined],
  different: [9, undefined],
  interrupted: [130, undefined],
  terminated: [143, undefined],
  hung_up: [129, undefined],
}

describe('Each code', () => {
  test.each(Object.entries(CONTRACT))('%s is %j, as text and as JSON', (code, [exit, status]) => {
    const fields = [{ field: 'port', message: 'must be a number' }]
    const error = new DsctlError(code as Code, 'It is so.', { hint: 'Do that.', fields })
    const [text, document] = [captureStreams(), captureStreams({ json: true })]
    printError(text.streams, error)
    printError(document.streams, error)
    expect(text.stderr()).toBe('dsctl: It is so.\n  port: must be a number\nDo that.\n')
    const outcome = code === 'unavailable' ? { outcome: 'none' } : {}
    const details = { message: 'It is so.', hint: 'Do that.', fields }
    expect(JSON.parse(document.stderr())).toEqual({
      error: { code, ...(status && { status }), exit_code: exit, ...details, ...outcome },
    })
    expect(ERROR_CODES[code as Code]).toMatchObject({ exit, status })
  })
})

/** SQLSTATEs, their error code, and whether the statement may have taken effect. */
const STATEMENTS: readonly (readonly [states: string, code: Code, delivered?: 'no' | 'maybe'])[] = [
  ['22001 22003 22021 22023 22P02 22P05', 'invalid'],
  ['23000 23001 23502 23514 38000 39000 39P01 44000 P0000 P0001 P0002 P0003 P0004', 'invalid'],
  ['09000 27000 45000 AP001 MYERR', 'invalid'],
  ['23503 23505 23P01', 'conflict'],
  ['25006', 'unavailable'],
  ['42501', 'forbidden'],
  ['42P01 3F000 42703', 'invalid'],
  ['40001 40P01 53000 53100 53200 53300 53400 55P03 57014 57P03', 'unavailable', 'no'],
  ['08000 08003 08006 08P01 25P03 25P04 40003 57P01 57P02 57P04 57P05', 'unavailable', 'maybe'],
  ['58000 58030 58P01 XX000 XX001 XX002', 'unavailable', 'maybe'],
  ['ECONNRESET EPIPE EPERM', 'unavailable', 'maybe'],
  ['42804 42883 428C9 42P17 0A000 55000 54001', 'invalid'],
  ['42601 26000 25P02', 'bug'],
]

const CONNECTIONS: readonly (readonly [codes: string, code: Code])[] = [
  ['28P01 28000', 'unauthenticated'],
  ['3D000', 'invalid'],
  ['42501', 'forbidden'],
  ['53300 57P01 57P03 08P01 0A000 XX000 55000', 'unavailable'],
  ['ECONNREFUSED ENOTFOUND EAI_AGAIN ETIMEDOUT ECONNRESET EHOSTUNREACH ENETUNREACH ENOENT', 'unavailable'],
  ['CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT', 'unavailable'],
]

const VAULT: readonly (readonly [statuses: string, code: Code, delivered?: 'no' | 'maybe'])[] = [
  ['400 404 405 413 422', 'invalid'],
  ['401', 'unauthenticated'],
  ['403', 'forbidden'],
  ['412 429', 'unavailable', 'no'],
  ['307 408 500 502 503 504', 'unavailable', 'maybe'],
]

const toCase = ([states, code, delivered]: (typeof STATEMENTS)[number]) => ({ states, code, delivered })
const driverError = (code: string) => Object.assign(new Error('as Postgres says it'), { code })

describe('Each response has one error code:', () => {
  test.each(STATEMENTS.map(toCase))('a statement’s $states is $code', ({ states, code, delivered }) => {
    for (const state of states.split(' ')) expectError(statementFailure(driverError(state)), code, delivered, state)
  })

  test.each(CONNECTIONS)('a connection’s %s is %s', (codes, code) => {
    for (const state of codes.split(' ')) {
      const settings = readConnectionSettings('postgres://app@db.example.com', {})
      const failure = connectFailure(driverError(state), settings)
      expectError(failure, code, code === 'unavailable' ? 'no' : undefined, state)
      expect(failure.message).toContain('db.example.com')
    }
  })

  test.each(VAULT.map(toCase))('Vault’s $states is $code', ({ states, code, delivered }) => {
    for (const status of states.split(' ')) {
      const error = vaultError({ status: Number(status), errors: ['SECRET'], body: 'SECRET' }, 'read the credentials')
      expectError(error, code, delivered, status)
      expect(`${error.message}${error.details.hint}`).not.toContain('SECRET')
    }
  })
})

/** Every error except a bug has a hint. */
function expectError(error: Error, code: Code, delivered: string | undefined, what: string) {
  expect(error instanceof DsctlError ? error.code : 'bug', what).toBe(code)
  expect(error instanceof UnavailableError ? error.delivered : undefined, what).toBe(delivered)
  if (error instanceof DsctlError) expect(error.details.hint, what).toMatch(/\.$/)
}

describe('From the servers', () => {
  let site: Site
  let proxied: ProxiedSite
  let id: string

  beforeAll(async () => {
    site = await createSite()
    proxied = await proxySite(site)
    const created = await site.dsctl([...creation('Present'), '-o', 'id'], { stdin: 'marker-pw' })
    expect(created.code, created.stderr).toBe(0)
    id = created.stdout.trim()
  })
  afterEach(() => proxied.restore())
  afterAll(async () => {
    proxied?.close()
    await site?.drop()
  })

  const fields = ['--env', 'dev', '--type', 'mysql', '--host', 'db.example.com', '--username', 'u']
  const creation = (name: string) => ['create', name, ...fields, '--default-database', 'd', '--password', '-']
  const OPERATIONS = {
    create: () => creation(randomUUID()),
    update: () => ['update', id, '--port', String(Math.ceil(Math.random() * 60_000))],
    delete: () => ['delete', id, '--yes'],
  }

  async function expectFailure(
    args: readonly string[],
    code: Code,
    message: RegExp,
  ): Promise<ReturnType<typeof jsonError>> {
    const result = await proxied.dsctl([...args, '--timeout', '0.5', '-o', 'json'], { stdin: 'marker-pw' })
    expectExit(result, code)
    const error = jsonError(result)
    expect(error).toMatchObject({ code, exit_code: CONTRACT[code][0], hint: expect.stringMatching(/\S\.?$/) })
    expect(error.message).toMatch(message)
    return error
  }

  function expectExit({ code: exit, stdout, stderr }: RunResult, code: Code) {
    expect({ exit, stdout }, stderr).toEqual({ exit: CONTRACT[code][0], stdout: '' })
    expect(stderr).not.toMatch(/marker-pw|^ +at /m)
  }

  /** Checks that a refused operation took effect completely or not at all, once it is settled. */
  async function expectConsistent() {
    await proxied.restore()
    await expireLeases(site)
    expect(await site.dsctl(['doctor', '--fix'])).toMatchObject({ code: 0 })
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
    expect((await livePairs(site)).filter(({ secret }) => !secret)).toEqual([])
  }

  test.each([
    ['23514', 'invalid', /violates check "name_is_short"/],
    ['AP001', 'invalid', /violates check/],
    ['23503', 'conflict', /violates check/],
    ['23505', 'conflict', /A unique index of other_table/],
    ['40001', 'unavailable', /could not run the statement/],
    ['57P01', 'unavailable', /was lost before the statement completed/],
  ] as const)(
    '%s at any statement of a change is %s, and leaves consistent stores',
    async (sqlState, code, message) => {
      const refusal = { sqlState, message: 'violates check "name_is_short"', table: 'other_table' }
      const fatal = sqlState === '57P01'
      for (const [operation, steps] of Object.entries(STEPS)) {
        const statements = steps.filter(({ server }) => server === 'postgres')
        // The user does not hear of a failure to close an intent that is done.
        for (const { which } of operation === 'delete' ? statements.slice(0, 1) : statements) {
          proxied.postgres.at(which, refuseWith({ ...refusal, fatal }))
          await expectFailure(OPERATIONS[operation as keyof typeof OPERATIONS](), code, message)
          proxied.postgres.clear()
        }
      }
      // dsctl settles such a refusal at once, without doctor.
      if (code !== 'unavailable') expect(await orphanSecretsIn(site)).toEqual([])
      await expectConsistent()
    },
  )

  test.each([
    ['28P01', 'unauthenticated', /rejected the password of user/],
    ['3D000', 'invalid', /has no such database/],
    ['42501', 'forbidden', /permission/],
    ['53300', 'unavailable', /too many connections/],
    ['57P03', 'unavailable', /starting up or shutting down/],
    ['08P01', 'unavailable', /returned error 08P01/],
  ] as const)('%s on connecting is %s', async (sqlState, code, message) => {
    proxied.postgres.refuse({ sqlState, message: 'permission denied' })
    await expectFailure(['list'], code, message)
  })

  test('a faulty statement is reported as a bug with its origin', async () => {
    proxied.postgres.at(/./, refuseWith({ sqlState: '42601', message: 'syntax error at or near "marker-pw"' }))
    const result = await proxied.dsctl(['list'])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(/^dsctl: Error: Postgres 42601: syntax error at or near "…"\n {4}at /)
    expect(result.stderr).toMatch(/Please report it/)
  })

  test.each([
    [400, 'invalid', /it answered 400/, 'marker-pw'],
    [400, 'unavailable', /mount is not ready yet/, 'Upgrading … This backend will be unavailable for a brief period'],
    [401, 'unauthenticated', /requires a login/, 'marker-pw'],
    [412, 'unavailable', /not ready yet/, 'marker-pw'],
    [413, 'invalid', /request is too large/, 'marker-pw'],
    [502, 'unavailable', /it answered 502/, 'marker-pw'],
  ] as const)('%d of Vault at any step is %s, and leaves consistent stores', async (status, code, message, error) => {
    for (const [operation, steps] of Object.entries(STEPS).slice(0, 2)) {
      for (const { which } of steps.filter(({ server }) => server === 'vault')) {
        proxied.vault.at(which, answerWith(status, { errors: [error] }))
        await expectFailure(OPERATIONS[operation as keyof typeof OPERATIONS](), code, message)
        proxied.vault.clear()
      }
    }
    await expectConsistent()
  })
})
