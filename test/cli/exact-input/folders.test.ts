import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { certificate, serviceAccount } from '../../unit/source-types/samples.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const request = (name: string, more: object = {}) =>
  JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, ...more })
const bigquery = JSON.stringify({
  ...{ name: 'Big', env: 'dev', type: 'bigquery', default_dataset: 'd' },
  service_account_key: { from: '@key.json' },
})
const KEY = JSON.stringify(serviceAccount)

describe('Hidden files of a folder', () => {
  test('are skipped', async () => {
    const cwd = folderWith({
      ...{ 'a.yaml': request('A'), '._a.yaml': Buffer.from('\0\x05\x16\x07\0\x02\0\0Mac OS X') },
      ...{ '.gitlab-ci.yml': 'stages: [apply]\n', '.hidden.json': '{' },
    })
    mkdirSync(join(cwd, '.git.yaml'))
    expect(json(await site.dsctl(['apply', '-f', '.', '-o', 'json'], { cwd }))).toMatchObject([{ name: 'A' }])
    expect(await site.dsctl(['diff', '-f', cwd])).toMatchObject({ code: 0 })
  })

  test('are read if -f names them', async () => {
    const cwd = folderWith({ '.hidden.json': request('Hidden') })
    expect(await site.dsctl(['apply', '-f', '.hidden.json'], { cwd })).toMatchObject({ code: 0 })
    const error = jsonError(await site.dsctl(['apply', '-f', '.', '-o', 'json'], { cwd }))
    expect(error.message).toBe('. contains no .json, .yaml, .yml file.')
  })
})

describe('A file that is not a request is refused by its name:', () => {
  test.each<[string, Readonly<Record<string, string>>, string]>([
    [
      'a key that a request refers to',
      { 'big.json': bigquery, 'key.json': KEY },
      'is not a request: big.json reads its service_account_key from this file',
    ],
    ['a key', { 'a.json': request('A'), 'key.json': KEY }, 'is not a request, but a service account key'],
    [
      'a compose file',
      { 'a.json': request('A'), 'compose.yaml': 'services: {db: {image: MARKER}}\n' },
      'is not a request: it has none of the keys name, env and type',
    ],
  ])('%s', async (_, files, message) => {
    const cwd = folderWith(files)
    const file = Object.keys(files).at(-1)
    const error = jsonError(await site.dsctl(['apply', '-f', '.', '-o', 'json'], { cwd }))
    expect(error).toMatchObject({ exit_code: 2, fields: [{ field: file, message }] })
    expect(error.hint).toBe('Move the file elsewhere, or pass the request files themselves with -f.')
    expect(JSON.stringify(error)).not.toMatch(/MARKER|is required/)
  })

  test('a certificate', async () => {
    const cwd = folderWith({ 'a.json': request('A'), 'ca.yaml': certificate })
    const result = await site.dsctl(['apply', '-f', '.'], { cwd })
    expect(result.stderr).toContain('dsctl: ca.yaml is not a request, but a key or a certificate.\n')
  })

  test('but not a request without a name', async () => {
    const cwd = folderWith({ 'a.json': request('A'), 'b.json': JSON.stringify(plainFields) })
    writeFileSync(join(cwd, 'c.json'), JSON.stringify({ env: 'dev', type: 'mysql', ...plainFields }))
    const { stderr } = await site.dsctl(['apply', '-f', '.'], { cwd })
    expect(stderr).toMatch(/name: is required \(in 2 requests, first in b\.json\)/)
  })
})
