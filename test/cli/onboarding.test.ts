import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { postgresProxy } from '../support/postgres-proxy.ts'
import { creation } from '../support/requests.ts'
import { dsctl, json, jsonError } from '../support/run.ts'
import { ADMIN, createSite, type Person, type Site } from '../support/site.ts'
import { eventsOf, type Row } from '../support/stored.ts'

const STATUSES = ['notStarted', 'inProgress', 'completed', 'failed'] as const
type Status = (typeof STATUSES)[number]
const ALLOWED: Readonly<Record<Status, readonly Status[]>> = {
  notStarted: ['inProgress'],
  inProgress: ['notStarted', 'completed', 'failed'],
  completed: ['notStarted'],
  failed: ['notStarted', 'inProgress'],
}
const SECRET = 'onboarding-canary-51ab'
const REQUEST = { type: 'databricks', env: 'dev', host: 'x.example.com', warehouse_id: '1', default_catalog: 'main' }

let acme: Site
let victor: Person

beforeAll(async () => {
  acme = await createSite()
  victor = await acme.addPerson({ email: 'victor@example.com', role: 'viewer' })
  const { args, stdin } = creation({ ...REQUEST, name: 'Sales', api_key: SECRET })
  expect((await acme.dsctl(args, { stdin })).code).toBe(0)
})

afterAll(() => acme?.drop())

beforeEach(() => put('notStarted'))

async function put(status: Status): Promise<void> {
  const error = status === 'failed' ? 'it broke' : null
  await acme.database.query('UPDATE data_sources SET onboarding_status = $1, onboarding_error = $2', [status, error])
}

async function stored(): Promise<Row> {
  const [row] = await acme.database.query(
    'SELECT onboarding_status AS status, onboarding_error AS error, updated_at FROM data_sources',
  )
  return row
}

function move(status: string, ...more: readonly string[]) {
  return acme.dsctl(['onboarding', 'Sales', status, ...more, '-o', 'json'])
}

describe('onboarding', () => {
  test('allows exactly the transitions of the state machine', async () => {
    for (const from of STATUSES) {
      for (const to of STATUSES.filter(each => each !== from)) {
        await put(from)
        const result = await move(to, ...(to === 'failed' ? ['--error', 'No such warehouse.'] : []))
        if (ALLOWED[from].includes(to)) {
          const error = to === 'failed' ? 'No such warehouse.' : null
          expect(json(result), `${from} to ${to}`).toMatchObject({
            ...{ name: 'Sales', onboarding_status: to, onboarding_error: error },
          })
          expect(await stored()).toMatchObject({ status: to, error })
        } else {
          expect(jsonError(result), `${from} to ${to}`).toMatchObject({ status: 409, exit_code: 6 })
          expect(jsonError(result).message).toBe(`The onboarding status is ${from}, which cannot become ${to}.`)
          expect((await stored()).status).toBe(from)
        }
      }
    }
  })

  test('lists the possible next statuses', async () => {
    await put('completed')
    expect(jsonError(await move('failed', '--error', 'x')).hint).toBe('From completed it can become notStarted.')
  })

  test('is audited with both statuses: done, failed and denied', async () => {
    await acme.database.query('ALTER TABLE dsctl.audit_events DISABLE TRIGGER USER')
    await acme.database.query('DELETE FROM dsctl.audit_events')
    expect((await move('inProgress')).code).toBe(0)
    await put('completed')
    expect((await move('inProgress')).code).toBe(6)
    const denied = await acme.dsctl(['onboarding', 'Sales', 'completed'], { env: victor.env })
    expect([denied.code, (await stored()).status]).toEqual([4, 'completed'])
    expect((await acme.dsctl(['onboarding', 'Nothing', 'completed'])).code).toBe(5)
    const events = await eventsOf(acme)
    expect(events.map(({ action, outcome, name, actor_email }) => [action, outcome, name, actor_email])).toEqual([
      ['onboarding', 'done', 'Sales', ADMIN],
      ['onboarding', 'failed', 'Sales', ADMIN],
      ['onboarding', 'denied', 'Sales', 'victor@example.com'],
      ['onboarding', 'failed', 'Nothing', ADMIN],
    ])
    expect(events[0]).toMatchObject({
      ...{ fields: ['onboarding_status'], before: { onboarding_status: 'notStarted' } },
      after: { onboarding_status: 'inProgress' },
    })
  })

  test('reports every problem at once, and writes nothing', async () => {
    const before = await stored()
    expect(jsonError(await move('failed')).fields).toEqual([
      { field: 'error', message: 'is required with the status failed: --error TEXT' },
    ])
    expect(jsonError(await move('done')).fields?.[0]?.message).toContain('notStarted, inProgress, completed, failed')
    const failed = async (error: string) => jsonError(await move('failed', '--error', error)).fields?.[0]?.message
    expect(await failed('x'.repeat(1001))).toBe('must have at most 1,000 characters')
    expect(await failed('a\u001b[31m')).toContain('control characters')
    expect(jsonError(await move('completed', '--error', 'x')).fields?.[0]?.message).toContain(
      'only with the status failed',
    )
    expect(await stored()).toEqual(before)
  })

  test('refuses an error text that contains a secret, without repeating it', async () => {
    await put('inProgress')
    for (const error of [`token ${SECRET} refused`, 'postgres://app:hunter2@db failed']) {
      const result = await move('failed', '--error', error)
      expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [{ field: 'error' }] })
      expect(result.stdout + result.stderr).not.toMatch(/canary|hunter2/)
    }
    expect(await stored()).toMatchObject({ status: 'inProgress', error: null })
  })

  test.each(STATUSES)('to the current status %s changes nothing, and exits 0', async status => {
    await put(status)
    const [before, events] = [await stored(), await eventsOf(acme)]
    const more = status === 'failed' ? ['--error', 'it broke'] : []
    const result = await move(status, ...more)
    expect(result.code, result.stderr).toBe(0)
    expect(json(result)).toMatchObject({ name: 'Sales', onboarding_status: status, onboarding_error: before.error })
    const text = await acme.dsctl(['onboarding', 'Sales', status, ...more])
    expect(text).toMatchObject({ code: 0, stderr: 'No changes: already up to date.\n' })
    expect([await stored(), await eventsOf(acme)]).toEqual([before, events])
    expect((await acme.dsctl(['onboarding', 'Sales', status, ...more], { env: victor.env })).code).toBe(4)
  })

  test('to failed replaces another error text', async () => {
    await put('failed')
    expect(json(await move('failed', '--error', 'worse'))).toMatchObject({ onboarding_error: 'worse' })
    expect((await eventsOf(acme)).at(-1)).toMatchObject({ outcome: 'done', fields: ['onboarding_error'] })
    expect((await move('failed')).code).toBe(2)
  })

  test('changes the status once if several commands run at once', async () => {
    const before = (await eventsOf(acme)).filter(({ outcome }) => outcome === 'done').length
    const codes = await Promise.all(Array.from({ length: 4 }, async () => (await move('inProgress')).code))
    expect(codes).toEqual([0, 0, 0, 0])
    expect((await eventsOf(acme)).filter(({ outcome }) => outcome === 'done')).toHaveLength(before + 1)
  })

  test('is done once if the response is lost and the statement retried', async () => {
    const proxy = await postgresProxy(acme.env.DSCTL_DATABASE_URL ?? '')
    try {
      let lost = 0
      proxy.at(/dsctl onboarding/, { after: () => (lost++ === 0 ? 'cut' : undefined) })
      const env = { ...acme.env, DSCTL_DATABASE_URL: proxy.url }
      const result = await dsctl(['onboarding', 'Sales', 'inProgress', '-o', 'json'], { env })
      expect(json(result).onboarding_status).toBe('inProgress')
      expect(lost).toBe(2)
      expect((await stored()).status).toBe('inProgress')
    } finally {
      await proxy.close()
    }
  })

  test('is shown by get and list, and filters list', async () => {
    await put('failed')
    expect(json(await acme.dsctl(['get', 'Sales', '-o', 'json']))).toMatchObject({
      ...{ onboarding_status: 'failed', onboarding_error: 'it broke' },
    })
    const listed = async (status: string) => json(await acme.dsctl(['list', '--status', status, '-o', 'json']))
    expect(await listed('failed')).toMatchObject([{ name: 'Sales', onboarding_status: 'failed' }])
    expect(await listed('completed')).toEqual([])
  })
})
