import { afterAll, beforeAll, beforeEach } from 'vitest'
import { plainFields } from './examples.ts'
import { json, type RunResult } from './run.ts'
import { createSite, type Site } from './site.ts'
import { livePairs } from './stored.ts'

interface Fixture {
  site: Site
  /** A new env for each test. */
  env: string
  /** The number in the name of that env. */
  counter: number
}

/** Registers hooks that create a site and a new env for each test. Returns commands on it. */
export function batchFixture() {
  const fixture = { counter: 0 } as Fixture
  beforeAll(async () => {
    fixture.site = await createSite()
  })
  afterAll(() => fixture.site?.drop())
  beforeEach(() => {
    fixture.env = `env${++fixture.counter}`
  })

  const request = (name: string, more: object = {}) => ({
    ...{ name, env: fixture.env, type: 'postgres' },
    ...plainFields,
    ...more,
  })
  const several = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, at) => request(`Source ${String(at).padStart(3, '0')}`, more))
  const run = (verb: 'apply' | 'diff', requests: unknown, args: readonly string[]) =>
    fixture.site.dsctl([verb, '-f', '-', '-o', 'json', ...args], { stdin: JSON.stringify(requests) })
  return {
    fixture,
    request,
    several,
    apply: (requests: unknown, ...args: string[]) => run('apply', requests, args),
    diff: (requests: unknown, ...args: string[]) => run('diff', requests, args),
    actions: (result: RunResult) => json(result).map((each: { action: string }) => each.action),
    names: async () => (await livePairs(fixture.site)).filter(pair => pair.env === fixture.env).map(({ name }) => name),
  }
}
