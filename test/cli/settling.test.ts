import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { someOf } from '../support/all-cases.ts'
import { mainRequest, mainStored, plainFields, plainStored } from '../support/examples.ts'
import { hold } from '../support/faults.ts'
import { addIntent } from '../support/intents.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json, jsonError, type RunOptions } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { atStep, killAt, moments, STEPS } from '../support/steps.ts'
import { eventsOf, everythingIn, expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'

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

type Moment = ReturnType<typeof moments>[number]

/** Starts a command and kills it before or after a step. */
async function killed(moment: Moment, args: readonly string[], options: RunOptions = {}) {
  // Assigned before any message can arrive.
  const running: { child?: ReturnType<ProxiedSite['spawn']>['child'] } = {}
  killAt(proxied, moment, () => {
    if (!running.child) throw new Error('no command has been started')
    return running.child
  })
  const started = proxied.spawn(args, options)
  running.child = started.child
  expect(await started.result).toMatchObject({ signal: 'SIGKILL', stdout: '' })
  await proxied.restore()
}

const named = async (name: string) => (await livePairs(site)).filter(pair => pair.name === name)
const created = async (name: string) => {
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
  return json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id as string
}
const SETTLER = /^dsctl \S+ on \S+, process \d+$/

async function expectNothingOpen() {
  expect(await openIntentsIn(site)).toEqual([])
  expect(await orphanSecretsIn(site)).toEqual([])
}

describe('a create that was killed', () => {
  test.each(someOf(moments('create'), 3))('$at is settled by the next create of its name', async moment => {
    const name = randomUUID()
    const stdin = JSON.stringify({ ...mainRequest, name })
    await killed(moment, ['create', '-f', '-'], { stdin })
    const begun = moment.at !== 'before begin'
    const done = moment.at === 'after commit'
    expect(await openIntentsIn(site)).toHaveLength(begun && !done ? 1 : 0)
    await expireLeases(site)
    const next = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
    expect(next.code, next.stderr).toBe(done ? 6 : 0)
    expect(await named(name)).toEqual([{ name, env: 'production', type: 'postgres', secret: mainStored }])
    await expectNothingOpen()
    const events = await eventsOf(site, `action = 'create' AND data_source_name = $1`, [name])
    const undone = { outcome: 'failed', settled_by: expect.stringMatching(SETTLER) }
    const own = { outcome: 'done', settled_by: null }
    const taken = { outcome: 'failed', settled_by: null }
    expect(events).toMatchObject(done ? [own, taken] : begun ? [undone, own] : [own])
  })

  test('keeps its name reserved until its lease expires', async () => {
    const name = randomUUID()
    const stdin = JSON.stringify({ ...mainRequest, name })
    await killed(momentOf('create', 'after write secret'), ['create', '-f', '-'], { stdin })
    const before = await everythingIn(site)
    const next = await site.dsctl(['create', '-f', '-', '--timeout', '1', '-o', 'json'], { stdin })
    expect(next).toMatchObject({ code: 6, stdout: '' })
    expect(jsonError(next)).toMatchObject({ code: 'conflict', status: 409, hint: expect.stringContaining('lease') })
    expect(await everythingIn(site)).toEqual(before)
    await expireLeases(site)
    expect(await site.dsctl(['create', '-f', '-'], { stdin })).toMatchObject({ code: 0 })
    await expectNothingOpen()
  })

  test('is settled once by two concurrent commands', async () => {
    const name = randomUUID()
    const stdin = JSON.stringify({ ...mainRequest, name })
    await killed(momentOf('create', 'after write secret'), ['create', '-f', '-'], { stdin })
    await expireLeases(site)
    const two = [1, 2].map(() => site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const codes = (await Promise.all(two)).map(({ code }) => code)
    expect(codes.sort()).toEqual([0, 6])
    expect(await named(name)).toHaveLength(1)
    await expectNothingOpen()
    const events = await eventsOf(site, 'data_source_name = $1 AND settled_by IS NOT NULL', [name])
    expect(events).toHaveLength(1)
  })
})

describe('an update that was killed', () => {
  test.each(someOf(moments('update'), 3))('$at is settled by the next update', async moment => {
    const [name, renamed] = [randomUUID(), randomUUID()]
    const id = await created(name)
    await killed(moment, ['update', id, '--set-name', renamed, '--port', '7000', '--password', '-'], { stdin: 'new' })
    const begun = moment.at !== 'before begin'
    const done = moment.at === 'after commit'
    expect(await openIntentsIn(site)).toHaveLength(begun && !done ? 1 : 0)
    await expireLeases(site)
    const next = await site.dsctl(['update', id, '--host', 'other.example.com', '-o', 'json'])
    expect(next.code, next.stderr).toBe(0)
    const secret = { ...plainStored, host: 'other.example.com', ...(done && { port: 7000, password: 'new' }) }
    expect(await named(done ? renamed : name)).toEqual([
      { name: done ? renamed : name, env: 'dev', type: 'postgres', secret },
    ])
    expect(await named(done ? name : renamed)).toEqual([])
    await expectNothingOpen()
    const events = await eventsOf(site, `action = 'update' AND data_source_id = $1`, [id])
    const undone = { outcome: 'failed', settled_by: expect.stringMatching(SETTLER) }
    const own = { outcome: 'done', settled_by: null }
    expect(events).toMatchObject(done ? [own, own] : begun ? [undone, own] : [own])
  })

  test.each(['after read secret', 'after write secret'])(
    '%s is settled by a delete, a rename, and a create of its name',
    async at => {
      for (const settle of ['delete', 'rename', 'create'] as const) {
        const [name, wanted] = [randomUUID(), randomUUID()]
        const id = await created(name)
        await killed(momentOf('update', at), ['update', id, '--set-name', wanted, '--port', '7000'])
        await expireLeases(site)
        const args = {
          delete: ['delete', id, '--yes'],
          rename: ['update', id, '--set-name', wanted],
          create: ['create', '-f', '-'],
        }[settle]
        const stdin = JSON.stringify({ name: wanted, env: 'dev', type: 'postgres', ...plainFields })
        const next = await site.dsctl(args, { stdin })
        expect(next.code, next.stderr).toBe(0)
        const pair = (as: string) => ({ name: as, env: 'dev', type: 'postgres', secret: plainStored })
        expect(await named(name)).toEqual(settle === 'create' ? [pair(name)] : [])
        expect(await named(wanted)).toEqual(settle === 'delete' ? [] : [pair(wanted)])
        await expectNothingOpen()
      }
    },
  )

  test('to repair a missing secret leaves the secret missing', async () => {
    const all = ['--host', 'h', '--username', 'u', '--password', '-', '--default-database', 'd']
    for (const moment of someOf(moments('update'), 3).filter(({ at }) => at !== 'after commit')) {
      const id = await site.addDataSource({ name: randomUUID() })
      await killed(moment, ['update', id, ...all], { stdin: 'MARKERpassword' })
      await expireLeases(site)
      const next = await site.dsctl(['update', id, ...all], { stdin: 'MARKERpassword' })
      expect(next.code, `${moment.at}: ${next.stderr}`).toBe(0)
      const data = { host: 'h', port: 5432, username: 'u', password: 'MARKERpassword', default_database: 'd' }
      expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toEqual({ type: 'postgres', ...data })
      await expectNothingOpen()
    }
  })

  test('is reported as unknown if the secret was written since', async () => {
    const id = await created(randomUUID())
    await killed(momentOf('update', 'after write secret'), ['update', id, '--port', '7000'])
    for (const port of [1, 2, 3]) await site.vault.writeSecret(`data-sources/${id}`, { ...plainStored, port })
    await expireLeases(site)
    const next = await site.dsctl(['update', id, '--set-env', 'prod'])
    expect(next.code, next.stderr).toBe(0)
    expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toEqual({ ...plainStored, port: 3 })
    expect(await openIntentsIn(site)).toEqual([])
    const events = await eventsOf(site, `outcome = 'unknown' AND settled_by IS NOT NULL AND action = 'update'`)
    expect(events).toHaveLength(1)
  })
})

test('an update past its lease reports that, not missing fields', async () => {
  const id = await created(randomUUID())
  const held = hold()
  proxied.vault.at(/^GET .*\/data\//, held)
  const { result } = proxied.start(['update', id, '--port', '7000', '-o', 'json'])
  await expect.poll(() => openIntentsIn(site)).toHaveLength(1)
  await expireLeases(site)
  expect(await site.dsctl(['delete', id, '--yes'])).toMatchObject({ code: 0 })
  held.release()
  const late = jsonError(await result)
  expect(late).toMatchObject({
    exit_code: 7,
    outcome: 'none',
    message: expect.stringContaining('longer than its lease'),
  })
  await expectNothingOpen()
  const events = await eventsOf(site, `data_source_id = $1`, [id])
  expect(events.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    'create done',
    'update failed',
    'delete done',
  ])
})

describe('a delete that was killed', () => {
  test.each(someOf(moments('delete'), 3))('$at is finished by the next delete', async moment => {
    const name = randomUUID()
    const id = await created(name)
    await killed(moment, ['delete', id, '--yes'])
    const begun = moment.at !== 'before begin'
    const closed = moment.at === 'after close'
    expect(await openIntentsIn(site)).toHaveLength(begun && !closed ? 1 : 0)
    expect(await site.dsctl(['get', id])).toMatchObject({ code: begun ? 5 : 0 })
    expect(await site.dsctl(['delete', id, '--yes'])).toMatchObject({ code: closed ? 5 : 0, stdout: '' })
    expect(await named(name)).toEqual([])
    await expectNothingOpen()
    const events = await eventsOf(site, `action = 'delete' AND data_source_id = $1`, [id])
    expect(events).toMatchObject([{ outcome: 'done', actor_email: site.admin.email }])
  })

  test('leaves its name to a new source, which the name then means', async () => {
    const name = randomUUID()
    const id = await created(name)
    await killed(momentOf('delete', 'after begin'), ['delete', name, '--yes'])
    const newer = await created(name)
    expect(await site.dsctl(['delete', name, '--yes'])).toMatchObject({ code: 0 })
    expect(await site.vault.readSecret(`data-sources/${newer}`)).toBeUndefined()
    expect(await site.vault.readSecret(`data-sources/${id}`)).toBeDefined()
    expect(await site.dsctl(['delete', name, '--yes'])).toMatchObject({ code: 0 })
    await expectNothingOpen()
  })
})

describe('a command stopped past its lease', () => {
  /** Runs a command, stops it before a step until doctor has settled its intent, and resumes it. */
  async function resumedAfterSettling(
    step: (typeof STEPS)[keyof typeof STEPS][number],
    args: readonly string[],
    stdin = '',
  ) {
    const running: { child?: ReturnType<ProxiedSite['spawn']>['child'] } = {}
    let doctor: Awaited<ReturnType<Site['dsctl']>> | undefined
    atStep(proxied, { step, when: 'before' }, async () => {
      running.child?.kill('SIGSTOP')
      await expireLeases(site)
      doctor = await site.dsctl(['doctor', '--fix'])
      running.child?.kill('SIGCONT')
      return undefined
    })
    const started = proxied.spawn([...args, '--timeout', '30', '-o', 'json'], { stdin })
    running.child = started.child
    const result = await started.result
    expect(doctor, doctor?.stdout).toMatchObject({ code: 0 })
    await proxied.restore()
    return result
  }

  const TOO_LATE = { code: 'unavailable', exit_code: 7, outcome: 'none', message: expect.stringMatching(/its lease/) }
  const SETTLED = { outcome: 'failed', settled_by: expect.stringMatching(SETTLER) }
  const [, readSecret, recordBaseVersion, writeSecret, commit] = STEPS.update

  test.each([recordBaseVersion, writeSecret, commit])(
    'an update, at $title, changes nothing and exits with 7',
    async step => {
      const [name, renamed] = [randomUUID(), randomUUID()]
      const id = await created(name)
      const args = ['update', id, '--set-name', renamed, '--port', '7000']
      const result = await resumedAfterSettling(step, args)
      expect(result).toMatchObject({ code: 7, signal: null, stdout: '' })
      expect(jsonError(result)).toMatchObject({ ...TOO_LATE, id })
      expect(await named(name)).toEqual([{ name, env: 'dev', type: 'postgres', secret: plainStored }])
      expect(await named(renamed)).toEqual([])
      await expectNothingOpen()
      expect(await eventsOf(site, `action = 'update' AND data_source_id = $1`, [id])).toMatchObject([SETTLED])
      // The hint says to run it again.
      expect(await site.dsctl(args)).toMatchObject({ code: 0 })
      expect(await named(renamed)).toMatchObject([{ secret: { ...plainStored, port: 7000 } }])
    },
  )

  test('an update without a change exits with 7, as its read may be stale', async () => {
    const id = await created(randomUUID())
    const result = await resumedAfterSettling(readSecret, ['update', id, '--port', '5432'])
    expect(result).toMatchObject({ code: 7, stdout: '' })
    expect(jsonError(result)).toMatchObject({ ...TOO_LATE, id })
    await expectNothingOpen()
    expect(await eventsOf(site, `action = 'update' AND data_source_id = $1`, [id])).toMatchObject([SETTLED])
  })

  test.each(STEPS.create.slice(1))('a create, at $title, leaves no secret and exits with 7', async step => {
    const name = randomUUID()
    const result = await resumedAfterSettling(step, ['create', '-f', '-'], JSON.stringify({ ...mainRequest, name }))
    expect(result).toMatchObject({ code: 7, signal: null, stdout: '' })
    expect(jsonError(result)).toMatchObject(TOO_LATE)
    expect(await named(name)).toEqual([])
    await expectNothingOpen()
    expect(await eventsOf(site, `action = 'create' AND data_source_name = $1`, [name])).toMatchObject([SETTLED])
  })
})

test('apply does not report as unchanged what is rolled back meanwhile', async () => {
  const name = randomUUID()
  const id = await created(name)
  const step = { title: 'the comparison', server: 'vault', which: /^GET .*\/data\// } as const
  const wanted = { ...plainStored, port: 7000 }
  // An update begins, writes its secret and is rolled back between the two look-ups of apply.
  atStep(proxied, { step, when: 'before' }, async () => {
    await addIntent(site, { kind: 'update', state: 'open', id, name, baseVersion: 1 })
    await site.vault.writeSecret(`data-sources/${id}`, wanted)
    return undefined
  })
  atStep(proxied, { step, when: 'after' }, async () => {
    expect(await site.dsctl(['doctor', '--fix'])).toMatchObject({ code: 0 })
    return undefined
  })
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, port: 7000 })
  const result = await proxied.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin })
  expect(json(result)).toMatchObject([{ id, action: 'updated' }])
  expect(await named(name)).toMatchObject([{ secret: wanted }])
  await expectNothingOpen()
})

test('an interrupted apply does not report as unchanged what was rolled back', async () => {
  const name = randomUUID()
  const id = await created(name)
  const comparison = { title: 'the comparison', server: 'vault', which: /^GET .*\/data\// } as const
  atStep(proxied, { step: comparison, when: 'before' }, async () => {
    await addIntent(site, { kind: 'update', state: 'open', id, name, baseVersion: 1 })
    await site.vault.writeSecret(`data-sources/${id}`, { ...plainStored, port: 7000 })
    return undefined
  })
  const running: { signal?: (name: 'SIGINT') => void } = {}
  atStep(proxied, { step: comparison, when: 'after' }, async () => {
    expect(await site.dsctl(['doctor', '--fix'])).toMatchObject({ code: 0 })
    running.signal?.('SIGINT')
    await new Promise(resolve => setTimeout(resolve, 300))
    return undefined
  })
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, port: 7000 })
  const started = proxied.start(['apply', '-f', '-', '-o', 'json'], { stdin })
  running.signal = started.signal
  const result = await started.result
  expect(result).toMatchObject({ code: 130, signal: null })
  expect(json(result)).toMatchObject([{ action: 'failed', error: { code: 'interrupted' } }])
  expect(await named(name)).toMatchObject([{ secret: plainStored }])
  await expectNothingOpen()
})

function momentOf(operation: Parameters<typeof moments>[0], at: string): Moment {
  const moment = moments(operation).find(each => each.at === at)
  if (!moment) throw new Error(`${operation} has no moment ${at}`)
  return moment
}
