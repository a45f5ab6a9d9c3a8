import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mainRequest, mainStored, plainFields, plainStored } from '../support/examples.ts'
import { SWALLOW } from '../support/faults.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { BIN, cleanEnvironment, json, jsonError, type RunOptions, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { atStep, STEPS, type Step, type When } from '../support/steps.ts'
import { expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'

let site: Site
let proxied: ProxiedSite

beforeAll(async () => {
  site = await createSite()
  proxied = await proxySite(site)
})
afterEach(() => proxied.restore())
afterAll(async () => {
  proxied.close()
  await site.drop()
})

const SIGNALS = [
  { signal: 'SIGINT', exit: 130, code: 'interrupted', stderr: 'dsctl: Interrupted.\n' },
  { signal: 'SIGTERM', exit: 143, code: 'terminated', stderr: 'dsctl: Terminated.\n' },
] as const
const HANGUP = { signal: 'SIGHUP', exit: 129, code: 'hung_up' } as const
type Signal = (typeof SIGNALS)[number]['signal'] | (typeof HANGUP)['signal']

/** Runs a command and sends it a signal at a step. Delays the message so that the signal arrives first. */
async function signalled(
  { step, when = 'before', signal }: { step: Step; when?: When; signal: Signal },
  args: readonly string[],
  options: RunOptions = {},
) {
  let interrupt = () => {}
  atStep(proxied, { step, when }, async () => {
    interrupt()
    await new Promise(resolve => setTimeout(resolve, 300))
    return undefined
  })
  const running = proxied.spawn(args, options)
  interrupt = () => running.child.kill(signal)
  const result = await running.result
  await proxied.restore()
  return result
}

const created = async (name: string) => {
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
  return json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id as string
}
const named = async (name: string) => (await livePairs(site)).filter(pair => pair.name === name)

async function expectNothingOpen() {
  expect(await openIntentsIn(site)).toEqual([])
  expect(await orphanSecretsIn(site)).toEqual([])
}

describe.each([...SIGNALS, HANGUP])('$signal', ({ signal, exit, code }) => {
  test('before a create has written its secret: changes nothing', async () => {
    const name = randomUUID()
    const stdin = JSON.stringify({ ...mainRequest, name })
    const result = await signalled({ step: STEPS.create[1], signal }, ['create', '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: exit, signal: null, stdout: '' })
    expect(jsonError(result)).toMatchObject({ code, exit_code: exit })
    expect(await named(name)).toEqual([])
    await expectNothingOpen()
  })

  test('once a create has committed: prints the result', async () => {
    const name = randomUUID()
    const stdin = JSON.stringify({ ...mainRequest, name })
    const at = { step: STEPS.create[2], when: 'after', signal } as const
    const result = await signalled(at, ['create', '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(await named(name)).toMatchObject([{ secret: mainStored }])
    await expectNothingOpen()
  })

  test('twice: exits at once, and the next command settles the intent', async () => {
    const name = randomUUID()
    const stdin = JSON.stringify({ ...mainRequest, name })
    proxied.vault.at(STEPS.create[1].which, SWALLOW)
    const running = proxied.spawn(['create', '-f', '-'], { stdin })
    await expect.poll(async () => (await openIntentsIn(site)).length, { timeout: 10_000 }).toBe(1)
    running.child.kill(signal)
    await new Promise(resolve => setTimeout(resolve, 300))
    running.child.kill(signal)
    expect(await running.result).toMatchObject({ code: exit, signal: null, stdout: '' })
    await proxied.restore()
    await expireLeases(site)
    expect(await site.dsctl(['create', '-f', '-'], { stdin })).toMatchObject({ code: 0 })
    expect(await named(name)).toHaveLength(1)
    await expectNothingOpen()
  })
})

describe.each([SIGNALS[0], HANGUP])('$signal in an apply', ({ signal, exit }) => {
  const COUNT = 9
  const requests = (env: string) =>
    JSON.stringify(
      Array.from({ length: COUNT }, (_, at) => ({ name: `Source ${at}`, env, type: 'postgres', ...plainFields })),
    )
  const ARGS = ['apply', '-f', '-', '--parallel', '3', '-o', 'json']
  const pairsIn = async (env: string) => (await livePairs(site)).filter(pair => pair.env === env)
  const expectGoesOn = async (env: string) => {
    await expireLeases(site)
    expect(await site.dsctl(ARGS, { stdin: requests(env) })).toMatchObject({ code: 0 })
    expect((await pairsIn(env)).map(pair => pair.secret)).toEqual(Array.from({ length: COUNT }, () => plainStored))
    await expectNothingOpen()
  }

  test('twice: exits at once, and the next apply does the rest', async () => {
    const env = `env-${randomUUID()}`
    proxied.vault.at(STEPS.create[1].which, SWALLOW)
    const running = proxied.spawn([...ARGS, '--timeout', '60'], { stdin: requests(env) })
    await expect.poll(async () => (await openIntentsIn(site)).length, { timeout: 10_000 }).toBeGreaterThan(0)
    running.child.kill(signal)
    await new Promise(resolve => setTimeout(resolve, 300))
    running.child.kill(signal)
    expect(await running.result).toMatchObject({ code: exit, signal: null, stdout: '' })
    await proxied.restore()
    await expectGoesOn(env)
  })
})

test('One signal is enough if a store never responds, with any time-out', async () => {
  const name = randomUUID()
  const stdin = JSON.stringify({ ...mainRequest, name })
  proxied.vault.at(STEPS.create[1].which, SWALLOW)
  // Longer than this test's time limit, at which the command would be killed.
  const running = proxied.spawn(['create', '-f', '-', '--timeout', '600'], { stdin })
  await expect.poll(async () => (await openIntentsIn(site)).length, { timeout: 10_000 }).toBe(1)
  running.child.kill('SIGTERM')
  expect(await running.result).toMatchObject({ code: 143, signal: null, stdout: '' })
  expect(await openIntentsIn(site)).toMatchObject([{ kind: 'create', new_name: name }])
  await proxied.restore()
  await expireLeases(site)
  expect(await site.dsctl(['doctor', '--fix'])).toMatchObject({ code: 0 })
  expect(await named(name)).toEqual([])
  await expectNothingOpen()
})

/** Runs dsctl with a given standard output. */
async function withStdout(args: readonly string[], stdout: 'pipe' | number) {
  const env = cleanEnvironment(site.env, site.home)
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', stdout, 'pipe'] })
  // The reader closes before anything is written.
  child.stdout?.destroy()
  const stderr: Buffer[] = []
  child.stderr?.on('data', chunk => stderr.push(chunk))
  const [code, signal] = await once(child, 'close')
  return { code, signal, stderr: Buffer.concat(stderr).toString() }
}

describe('standard output', () => {
  test('that is closed by its reader ends the command quietly', async () => {
    const name = randomUUID()
    const id = await created(name)
    for (const args of [
      ['list'],
      ['list', '--all', '-o', 'json'],
      ['get', id],
      ['get', id, '-o', 'yaml'],
      ['types'],
      ['--help'],
      ['types', 'postgres', '-o', 'json'],
      ['update', id, '--set-env', 'prod'],
    ]) {
      const { code, signal, stderr } = await withStdout(args, 'pipe')
      expect({ code, signal }, args.join(' ')).toEqual({ code: 0, signal: null })
      expect(stderr).not.toMatch(/EPIPE|Error/)
    }
    expect(await named(name)).toMatchObject([{ env: 'prod' }])
  })

  test('read for one line only ends the command quietly', async () => {
    const { code, stdout, stderr } = await piped(['types', 'postgres', '-o', 'json'], ['head', '-1'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{\n', stderr: '' })
  })

  test('on a full disk is one clear error, and the change stays done', async () => {
    const id = await created(randomUUID())
    for (const [args, path, flags, error] of [
      [['list', '-o', 'json'], '/dev/full', 'w', 'ENOSPC'],
      [['get', id], '/dev/full', 'w', 'ENOSPC'],
      [['types'], '/dev/full', 'w', 'ENOSPC'],
      [['--help'], '/dev/full', 'w', 'ENOSPC'],
      [['update', id, '--port', '7000', '-o', 'json'], '/dev/full', 'w', 'ENOSPC'],
      // An output that is open only for reading.
      [['list'], '/dev/null', 'r', 'EBADF'],
      [['--version'], '/dev/null', 'r', 'EBADF'],
    ] as const) {
      const output = openSync(path, flags)
      const result = await withStdout(args, output)
      closeSync(output)
      expect(result, args.join(' ')).toMatchObject({ code: 1, signal: null })
      expect(result.stderr).toContain(`The output cannot be written: ${error}`)
      expect(result.stderr.match(/cannot be written/g)).toHaveLength(1)
      expect(result.stderr).not.toMatch(/^ +at /m)
    }
    expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toMatchObject({ port: 7000 })
    const output = openSync('/dev/full', 'w')
    const changed = await withStdout(['update', id, '--port', '7001', '-o', 'json'], output)
    closeSync(output)
    const document = /\{.*/s.exec(changed.stderr)?.[0] ?? ''
    const message = 'The output cannot be written: ENOSPC. The data source was changed.'
    expect(JSON.parse(document).error).toMatchObject({ code: 'unwritten', exit_code: 1, message, id })
    await expectNothingOpen()
  })
})

// So `dsctl list >&-` exits with 0, like `gh` and `vault`. See closed-pipes.ts.
test.skipIf(process.platform !== 'linux')('Node cannot distinguish a closed output from /dev/null', async () => {
  const probe = `const { readFileSync, readlinkSync, writeFileSync } = require('node:fs')
      const flags = /^flags:.*/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8'))
      writeFileSync(process.argv[1], flags + ' ' + readlinkSync('/proc/self/fd/1'))`
  const folder = temporaryFolder()
  const seen = async (name: string, command: string, args: readonly string[]) => {
    const path = join(folder, name)
    await once(spawn(command, [...args, '-e', probe, path], { stdio: 'ignore' }), 'close')
    return readFileSync(path, 'utf8')
  }
  const closed = await seen('closed', 'sh', ['-c', 'exec "$0" "$@" >&-', process.execPath])
  expect(closed).toContain('/dev/null')
  expect(closed).toBe(await seen('ignored', process.execPath, []))
})

/** Runs `dsctl ARGS | COMMAND`. Returns dsctl's exit code and the output of COMMAND. */
async function piped(args: readonly string[], [command = '', ...rest]: readonly string[]) {
  const env = cleanEnvironment(site.env, site.home)
  const reader = spawn(command, rest, { stdio: ['pipe', 'pipe', 'ignore'] })
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', reader.stdin, 'pipe'] })
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  reader.stdout.on('data', chunk => stdout.push(chunk))
  child.stderr?.on('data', chunk => stderr.push(chunk))
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')])
  // Close our copy of the writing end: the reader sees the end of input only when every copy is closed.
  reader.stdin.destroy()
  const [[code]] = await ended
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}
