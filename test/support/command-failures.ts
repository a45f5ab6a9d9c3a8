import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { MARKERS } from '../unit/source-types/samples.ts'
import { mainRequest, plainFields, plainStored } from './examples.ts'
import { type ProxiedSite, proxySite } from './proxied-site.ts'
import { json, jsonError, type RunOptions, type RunResult, temporaryFolder } from './run.ts'
import { createSite, type Site } from './site.ts'
import { type Everything, everythingIn, livePairs } from './stored.ts'

/** Every command that calls a server, for the data source `id`. */
export const COMMANDS = {
  list: () => ['list'],
  get: id => ['get', id],
  create: () => ['create', '-f', '-'],
  'update of a name': id => ['update', id, '--set-name', 'Never'],
  'update of credentials': id => ['update', id, '--port', '7000'],
  delete: id => ['delete', id, '--yes'],
} satisfies Record<string, (id: string) => string[]>
export type Command = keyof typeof COMMANDS
export const ALL_COMMANDS = Object.keys(COMMANDS) as Command[]

export interface Failure {
  readonly exit: number
  readonly code: string
  /** A pattern of the message. The hint, which is always present, says what to do. */
  readonly says: RegExp
  readonly advises: RegExp
  readonly outcome?: string
}

interface Fixture {
  site: Site
  proxied: ProxiedSite
  /** A data source that every command is tried on. */
  id: string
}

/** Registers hooks that create a site with one data source, and check after each test that it is unchanged. */
export function commandFailures() {
  const fixture = {} as Fixture
  beforeAll(async () => {
    fixture.site = await createSite()
    fixture.proxied = await proxySite(fixture.site)
    const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
    fixture.id = json(await fixture.site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
  })
  afterEach(async () => {
    await fixture.proxied.restore()
    const present = { name: 'Present', env: 'dev', type: 'postgres', secret: plainStored }
    expect(await livePairs(fixture.site)).toEqual([present])
  })
  afterAll(async () => {
    fixture.proxied?.close()
    await fixture.site?.drop()
  })

  /** Runs a command as text and with -o json. It must fail as described, say what to do, and write nothing. */
  async function expectFailure(command: Command, options: RunOptions, failure: Failure, timeout = '10') {
    const { site, id } = fixture
    const before = await everythingIn(site)
    const args = [...COMMANDS[command](id), '--timeout', timeout]
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

  /** Expects the same failure of every command, before it writes anything at all. */
  async function expectNothingDone(options: RunOptions, failure: Failure, commands = ALL_COMMANDS) {
    for (const command of commands) {
      const { before, after } = await expectFailure(command, options, failure)
      expect(after).toEqual(before)
    }
  }

  return { fixture, expectFailure, expectNothingDone }
}

/** The secrets without versions, because a rolled-back secret is written again. */
function dataOf({ secrets }: Everything) {
  return Object.entries(secrets).map(([path, secret]) => [path, secret?.data])
}

export function expectClean({ code, stdout, stderr }: RunResult, exit: number, command: string) {
  expect(code, `${command}: ${stderr}`).toBe(exit)
  expect(stdout).toBe('')
  for (const marker of MARKERS) expect(stderr).not.toContain(marker)
  expect(stderr).not.toMatch(/^ +at /m)
}
