import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// Which files a command loads, according to V8's coverage. The build puts heavy modules in files of their own.

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const HEAVY = /\b(pglite|secrets-|inquirer-|yaml-|mysql2-|ssh-|tedious|snowflake|source-)/

/** The heavy files that a run of dsctl loads, and the number of all files that it loads. */
async function loaded(args: readonly string[], stdin?: string) {
  const folder = temporaryFolder()
  const result = await site.spawnDsctl(args, {
    env: { NODE_V8_COVERAGE: folder },
    ...(stdin !== undefined && { stdin }),
  }).result
  expect(result.code, result.stderr).toBe(0)
  const urls = readdirSync(folder).flatMap(name => {
    const report: { result: { url: string }[] } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    return report.result.map(({ url }) => url).filter(url => url.startsWith('file:'))
  })
  return { heavy: urls.map(url => url.split('/').at(-1) ?? '').filter(name => HEAVY.test(name)), files: urls.length }
}

test('list, get and create load few files, and no heavy ones', async () => {
  const request = JSON.stringify({ name: 'Loaded', env: 'dev', type: 'postgres', ...plainFields })
  for (const [args, stdin] of [
    [['create', '-f', '-', '-o', 'json'], request],
    [['list', '-o', 'json']],
    [['list']],
    [['get', 'Loaded', '-o', 'json']],
  ] as const) {
    const { heavy, files } = await loaded(args, stdin)
    expect(heavy, args.join(' ')).toEqual([])
    expect(files, args.join(' ')).toBeLessThan(25)
  }
})

test('the YAML module is loaded for -o yaml', async () => {
  expect((await loaded(['list', '-o', 'yaml'])).heavy).toEqual([expect.stringMatching(/^yaml-/)])
})
