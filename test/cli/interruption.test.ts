import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mainRequest, mainStored, plainFields, plainStored } from '../support/examples.ts'
import { addIntent } from '../support/intents.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json, jsonError, type RunOptions } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { atStep, moments, STEPS, type Step, type When } from '../support/steps.ts'
import { everythingIn, expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'

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

const IDENTITY: Step = { title: 'the identity', server: 'vault', which: /lookup-self/ }

/** Runs a command and sends it a signal at a step. */
async function signalled(
  { step, when = 'before', signal }: { step: Step; when?: When; signal: Signal },
  args: readonly string[],
  options: RunOptions = {},
) {
  let interrupt = () => {}
  atStep(proxied, { step, when }, () => {
    interrupt()
    return undefined
  })
  const running = proxied.start(args, options)
  interrupt = () => running.signal(signal)
  const result = await running.result
  await proxied.restore()
  return result
}

const created = async (name: string) => {
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
  return json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id as string
}
const named = async (name: string) => (await livePairs(site)).filter(pair => pair.name === name)

/** Closes another process's intent as done, so that nothing waits for it any longer. */
async function close(intent: string) {
  const closed = "state = 'closed', outcome = 'done', closed_at = now()"
  await site.database.query(`UPDATE dsctl.pending_operations SET ${closed} WHERE id = $1`, [intent])
}

async function expectNothingOpen() {
  expect(await openIntentsIn(site)).toEqual([])
  expect(await orphanSecretsIn(site)).toEqual([])
}

describe.each(SIGNALS)('$signal', ({ signal, exit, code, stderr }) => {
  test.each(moments('create'))(
    '$at of a create: no change, or the result if it has committed',
    async ({ step, when }) => {
      const name = randomUUID()
      const stdin = JSON.stringify({ ...mainRequest, name })
      const result = await signalled({ step, when, signal }, ['create', '-f', '-', '-o', 'json'], { stdin })
      await expectNothingOpen()
      if (step.title === 'commit') {
        expect(result).toMatchObject({ code: 0, stderr: '' })
        expect(json(result)).toMatchObject({ name, credentials: { password: '[REDACTED]' } })
        expect(await named(name)).toEqual([{ name, env: 'production', type: 'postgres', secret: mainStored }])
      } else {
        expect(result).toMatchObject({ code: exit, signal: null, stdout: '' })
        expect(jsonError(result)).toMatchObject({ code, exit_code: exit })
        expect(await named(name)).toEqual([])
      }
    },
  )

  test.each(moments('update'))(
    '$at of an update: no change, or the result if it has committed',
    async ({ step, when }) => {
      const [name, renamed] = [randomUUID(), randomUUID()]
      const id = await created(name)
      const args = ['update', id, '--set-name', renamed, '--port', '7000', '-o', 'json']
      const result = await signalled({ step, when, signal }, args)
      await expectNothingOpen()
      // Once the new version is written, committing is the quickest way to a consistent state.
      const done = ['write secret', 'commit'].includes(step.title)
      expect(result).toMatchObject({ code: done ? 0 : exit, signal: null })
      if (done) expect(json(result)).toMatchObject({ id, name: renamed, credentials: { port: 7000 } })
      else expect(jsonError(result)).toMatchObject({ code, exit_code: exit })
      const secret = done ? { ...plainStored, port: 7000 } : plainStored
      expect(await named(done ? renamed : name)).toMatchObject([{ secret }])
    },
  )

  test.each(moments('delete'))('$at of a delete: finishes it, since its begin step decides', async ({ step, when }) => {
    const name = randomUUID()
    const id = await created(name)
    const result = await signalled({ step, when, signal }, ['delete', id, '--yes'])
    expect(result).toMatchObject({ code: 0, stdout: '' })
    expect(await named(name)).toEqual([])
    await expectNothingOpen()
  })

  test('during a plain update, a single statement: prints the result', async () => {
    const id = await created(randomUUID())
    const step: Step = { title: 'update', server: 'postgres', which: /dsctl update \*/ }
    const result = await signalled({ step, signal }, ['update', id, '--set-env', 'prod', '-o', 'json'])
    expect(result).toMatchObject({ code: 0 })
    expect(json(result)).toMatchObject({ id, env: 'prod' })
  })

  test('during the look-up of the caller: changes nothing', async () => {
    const id = await created(randomUUID())
    const before = await everythingIn(site)
    const unchanged = stderr.replace('.', ': nothing was changed.')
    for (const [args, printed] of [
      [['create', '-f', '-'], unchanged],
      [['update', id, '--port', '1'], unchanged],
      [['delete', id, '--yes'], unchanged],
      [['apply', '-f', '-'], unchanged],
      [['get', id], stderr],
      [['list'], stderr],
    ] as const) {
      const stdin = JSON.stringify({ ...mainRequest, name: randomUUID() })
      const result = await signalled({ step: IDENTITY, signal }, args, { stdin })
      expect(result, args.join(' ')).toEqual({ code: exit, signal: null, stdout: '', stderr: printed })
    }
    expect(await everythingIn(site)).toEqual(before)
  })

  test('while waiting for another operation: stops waiting, and changes nothing', async () => {
    const [name, unchanged] = [randomUUID(), stderr.replace('.', ': nothing was changed.')]
    const id = await created(name)
    const waited = await addIntent(site, { kind: 'update', state: 'open', id, name, underWay: true })
    const before = await everythingIn(site)
    for (const [step, args] of [
      [STEPS.update[0], ['update', id, '--port', '1']],
      [{ title: 'update', server: 'postgres', which: /dsctl update \*/ }, ['update', id, '--set-env', 'prod']],
      [STEPS.delete[0], ['delete', id, '--yes']],
    ] as const) {
      const result = await signalled({ step, when: 'after', signal }, args)
      expect(result, args.join(' ')).toEqual({ code: exit, signal: null, stdout: '', stderr: unchanged })
    }
    expect(await everythingIn(site)).toEqual(before)
    await close(waited)
  })

  test('during a read: ends it', async () => {
    for (const [which, args] of [
      [/dsctl list/, ['list']],
      [/dsctl find/, ['get', randomUUID()]],
    ] as const) {
      const step: Step = { title: 'read', server: 'postgres', which }
      expect(await signalled({ step, signal }, args)).toEqual({ code: exit, signal: null, stdout: '', stderr })
    }
  })
})

// SIGTERM differs from SIGHUP only in its exit code.
describe.each([SIGNALS[0], HANGUP])('$signal in an apply', ({ signal, exit, code }) => {
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

  test('finishes begun items, begins no more, and reports each', async () => {
    const env = `env-${randomUUID()}`
    const write: Step = { title: 'a write', server: 'vault', which: /^POST .*\/data\// }
    const result = await signalled({ step: write, signal }, ARGS, { stdin: requests(env) })
    expect(result).toMatchObject({ code: exit, signal: null })
    expect(jsonError(result)).toMatchObject({ code, exit_code: exit })
    await expectNothingOpen()
    const items: { name: string; action: string; error: { code: string } | null }[] = json(result)
    const created = items.filter(({ action }) => action === 'created').map(({ name }) => name)
    expect((await pairsIn(env)).map(({ name }) => name)).toEqual(created)
    const others = items.filter(({ action }) => action !== 'created')
    expect(others.length).toBeGreaterThan(0)
    expect(new Set(others.map(({ error }) => error?.code))).toEqual(new Set([code]))
    await expectGoesOn(env)
  })

  test('while waiting for another operation: reports each item', async () => {
    const env = `env-${randomUUID()}`
    const [{ id }] = json(await site.dsctl(ARGS, { stdin: requests(env) }))
    const waited = await addIntent(site, { kind: 'update', state: 'open', id, underWay: true })
    const stdin = JSON.stringify(JSON.parse(requests(env)).map((request: object) => ({ ...request, port: 7000 })))
    const running = proxied.start(ARGS, { stdin })
    const changed = async () => (await pairsIn(env)).filter(({ secret }) => secret?.port === 7000).length
    await expect.poll(changed, { timeout: 10_000 }).toBe(COUNT - 1)
    await expect.poll(async () => (await openIntentsIn(site)).length, { timeout: 10_000 }).toBe(1)
    running.signal(signal)
    const result = await running.result
    expect(result).toMatchObject({ code: exit, signal: null })
    const [first, ...others] = json(result)
    expect(first).toMatchObject({ name: 'Source 0', action: 'failed', error: { code } })
    expect(others.map(({ action }: { action: string }) => action)).toEqual(others.map(() => 'updated'))
    await close(waited)
  })

  test('after the last item: prunes nothing, and says so', async () => {
    const env = `env-${randomUUID()}`
    const names = async () => (await pairsIn(env)).map(({ name }) => name)
    const kept = { name: 'Kept', env, type: 'postgres', ...plainFields }
    expect(await site.dsctl(ARGS, { stdin: JSON.stringify({ ...kept, name: 'Old' }) })).toMatchObject({ code: 0 })
    const [args, stdin] = [[...ARGS, '--env', env, '--prune', '--yes'], JSON.stringify(kept)]
    const commit = STEPS.create[2]
    const result = await signalled({ step: commit, when: 'after', signal }, args, { stdin })
    expect(result).toMatchObject({ code: exit, signal: null })
    expect(json(result)).toMatchObject([{ name: 'Kept', action: 'created' }])
    expect(jsonError(result)).toMatchObject({
      code,
      message: expect.stringMatching(/: nothing was pruned\. Run the command again to continue\.$/),
    })
    expect(await names()).toEqual(['Kept', 'Old'])
    const again = await site.dsctl(args, { stdin })
    expect(again).toMatchObject({ code: 0 })
    expect(json(again)).toMatchObject([{ action: 'unchanged' }, { name: 'Old', action: 'deleted' }])
    expect(await names()).toEqual(['Kept'])
  })
})
