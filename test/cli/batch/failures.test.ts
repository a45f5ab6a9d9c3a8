import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ALL_CASES } from '../../support/all-cases.ts'
import { batchFixture } from '../../support/batch.ts'
import { createEmbeddedSite } from '../../support/embedded-site.ts'
import { type ProxiedSite, proxySite } from '../../support/proxied-site.ts'
import { json } from '../../support/run.ts'
import { ON_EMBEDDED, type Site } from '../../support/site.ts'
import { expireLeases, livePairs, openIntentsIn, orphanSecretsIn } from '../../support/stored.ts'

const { fixture, request, several, apply, actions, names } = batchFixture()
let site: Site
let env: string

beforeAll(() => {
  site = fixture.site
})
beforeEach(() => {
  ;({ env } = fixture)
})

describe.skipIf(ON_EMBEDDED || !ALL_CASES)('from the embedded profile to servers', () => {
  test('apply creates the exported sources after the secrets are filled in', async () => {
    const local = await createEmbeddedSite()
    const requests = [request('Up', { port: 6001 }), request('Up EU')]
    const made = await local.dsctl(['apply', '-f', '-'], { stdin: JSON.stringify(requests) })
    expect(made.code, made.stderr).toBe(0)
    const written = (await local.dsctl(['export', '--env', env, '--to-env', env])).stdout
    const variables = [...written.matchAll(/env:(DSCTL_SECRET_\w+)/g)].map(([, name]) => [name, 'MARKERup'])
    expect(variables).toHaveLength(2)
    const secrets = Object.fromEntries(variables)
    const done = await site.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin: written, env: secrets })
    expect(done.code, done.stderr).toBe(0)
    expect(actions(done)).toEqual(['created', 'created'])
    const pairs = (await livePairs(site)).filter(pair => pair.env === env)
    expect(pairs.map(({ name, secret }) => [name, secret?.port, secret?.password])).toEqual([
      ['Up EU', 5432, 'MARKERup'],
      ['Up', 6001, 'MARKERup'],
    ])
    await local.drop()
  })
})

describe.skipIf(ON_EMBEDDED)('failures during apply', () => {
  let proxied: ProxiedSite
  beforeAll(async () => {
    proxied = await proxySite(site)
  })
  afterAll(() => proxied?.close())
  const ARGS = ['apply', '-f', '-', '-o', 'json', '--parallel', '3']
  const start = (requests: unknown) => proxied.start(ARGS, { stdin: JSON.stringify(requests) })
  const spawn = (requests: unknown) => proxied.spawn(ARGS, { stdin: JSON.stringify(requests) })
  const again = async (requests: unknown[]) => {
    await proxied.restore()
    // Late messages of the killed process can open another lease and make items fail. If so, apply once more.
    let result: Awaited<ReturnType<typeof apply>> | undefined
    for (let tries = 0; tries < 3 && result?.code !== 0; tries++) {
      await new Promise(resolve => setTimeout(resolve, 300))
      await expireLeases(site)
      result = await apply(requests, '--timeout', '5')
    }
    if (!result) throw new Error('It was not run again.')
    expect(result.code, result.stderr + result.stdout).toBe(0)
    expect(await names()).toHaveLength(requests.length)
    await site.dsctl(['doctor', '--fix'])
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
  }

  test.each([1, 4, 7, 12])('killed at the write of item %i and run again, does everything once', async nth => {
    const requests = several(12)
    const running = spawn(requests)
    let writes = 0
    proxied.vault.at(/^POST .*\/data\//, {
      after: () => {
        if (++writes < nth) return undefined
        running.child.kill('SIGKILL')
        return 'cut'
      },
    })
    await running.result
    await again(requests)
  })

  test('killed during updates and run again, updates every source', async () => {
    await apply(several(8))
    const requests = several(8, { port: 7000 })
    const running = spawn(requests)
    let steps = 0
    proxied.postgres.at(/dsctl commit update/, {
      before: () => {
        if (++steps < 3) return undefined
        running.child.kill('SIGKILL')
        return 'cut'
      },
    })
    await running.result
    await again(requests)
    const pairs = (await livePairs(site)).filter(pair => pair.env === env)
    expect(new Set(pairs.map(({ secret }) => secret?.port))).toEqual(new Set([7000]))
  })

  test('interrupted, finishes begun items, reports them, and can be run again', async () => {
    const requests = several(12)
    const running = start(requests)
    let writes = 0
    proxied.vault.at(/^POST .*\/data\//, {
      before: () => {
        if (++writes === 5) running.signal('SIGINT')
        return undefined
      },
    })
    const result = await running.result
    expect(result.code).toBe(130)
    expect(await openIntentsIn(site)).toEqual([])
    const done = json(result).filter((each: { action: string }) => each.action === 'created')
    expect((await names()).length).toBe(done.length)
    expect(result.stderr).toContain('Interrupted: run the command again to continue.')
    await again(requests)
  })

  test('429 from Vault is retried', async () => {
    let refusals = 0
    proxied.vault.at(/^POST .*\/data\//, {
      before: () => (++refusals % 2 ? { status: 429, body: { errors: ['slow down'] } } : undefined),
    })
    const result = await start(several(6)).result
    expect(result.code, result.stderr).toBe(0)
    await again(several(6))
  })
})
