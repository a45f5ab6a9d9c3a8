import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { batchFixture } from '../../support/batch.ts'
import { folderWith } from '../../support/requests.ts'
import { jsonError } from '../../support/run.ts'
import { ADMIN, ON_EMBEDDED, type Site } from '../../support/site.ts'
import { everythingIn } from '../../support/stored.ts'

// A problem that many requests have is reported once to people, and once per request in JSON.

const { fixture, request, several } = batchFixture()
let site: Site
let env: string

beforeAll(() => {
  site = fixture.site
})
beforeEach(() => {
  ;({ env } = fixture)
})

/** The error of each command that reads a batch, as text and as JSON. Nothing is written. */
async function refused(requests: unknown, args: readonly string[] = [], env = {}) {
  const before = await everythingIn(site)
  const options = { stdin: JSON.stringify(requests), env }
  const text = await site.dsctl(['apply', '-f', '-', ...args], options)
  expect((await site.dsctl(['diff', '-f', '-', ...args], options)).stderr).toBe(text.stderr)
  const document = await site.dsctl(['apply', '-f', '-', '-o', 'json', ...args], options)
  expect([text, document]).toMatchObject([
    { code: 2, stdout: '' },
    { code: 2, stdout: '' },
  ])
  expect(await everythingIn(site)).toEqual(before)
  const [, ...lines] = text.stderr.trimEnd().split('\n')
  return { lines, error: jsonError(document) }
}

const FIRST = 'Standard input, request 1 (Source 000)'
const from = (source: string) => ({ password: { from: source } })

describe('A problem of 30 requests', () => {
  test('is one line for a variable that is not set', async () => {
    const { lines, error } = await refused(several(30, from('env:DSCTL_SECRET_NONE')))
    expect(lines[0]).toBe(
      `  password: comes from DSCTL_SECRET_NONE, which is not set (in 30 requests, first in ${FIRST})`,
    )
    expect(lines).toHaveLength(2)
    expect(error.fields).toHaveLength(30)
    expect(error.fields?.[29]).toEqual({
      field: 'Standard input, request 30 (Source 029), password',
      message: 'comes from DSCTL_SECRET_NONE, which is not set',
    })
  })

  test('is one line if different fields lack the same variable', async () => {
    const key = { from: 'env:DSCTL_SECRET_NONE' }
    const other = { host: 'x.example.com', api_key: key, warehouse_id: '1', default_catalog: 'main' }
    const databricks = { name: 'Bricks', env, type: 'databricks', ...other }
    const { lines } = await refused([...several(2, { password: key }), databricks])
    expect(lines[0]).toMatch(/^ {2}password, api_key: .* is not set \(in 3 requests, first in .*\(Source 000\)\)$/)
    expect(lines).toHaveLength(2)
  })

  test('is one line for a variable that a file may not name', async () => {
    const { lines, error } = await refused(several(30, from('env:OTHER')))
    expect(lines[0]).toMatch(/^ {2}password: comes from a variable that a request file may not use.* \(in 30 requests,/)
    expect([lines.length, error.fields?.length]).toEqual([2, 30])
  })

  test('is one line for a missing file', async () => {
    const folder = folderWith({ 'all.json': JSON.stringify(several(30, from('@none.txt'))) })
    const { code, stderr } = await site.dsctl(['apply', '-f', folder])
    expect(code).toBe(2)
    expect(stderr.match(/none\.txt/g)).toHaveLength(1)
    expect(stderr).toContain('(in 30 requests, first in ')
  })

  test.skipIf(ON_EMBEDDED)('is one line for a missing secret or field in Vault', async () => {
    await site.vault.writeSecret('shared', { other: 'x' })
    const sources = [`vault:${site.vault.mount}/none#password`, `vault:${site.vault.mount}/shared#password`]
    const [a, b] = sources.map(source => several(15, from(source)))
    const requests = [...(a ?? []), ...(b ?? []).map(each => ({ ...each, name: `${each.name} b` }))]
    const { lines, error } = await refused(requests, ['--allow-from', `vault:${site.vault.mount}/*`], {
      ...{ VAULT_TOKEN: site.vault.rootToken, DSCTL_USER: ADMIN },
    })
    expect(lines.slice(0, -1)).toEqual([
      `  password: comes from ${sources[0]}, which does not exist in Vault (in 15 requests, first in ${FIRST})`,
      expect.stringMatching(/^ {2}password: .*, but that secret has no such field \(in 15 requests, first in .* 16 /),
    ])
    expect(error.fields).toHaveLength(30)
  })

  test('is one line for the same invalid value or unknown key', async () => {
    const { lines } = await refused(several(30, { port: 'x', hots: 'y' }))
    expect(lines.slice(0, -1)).toEqual([
      expect.stringMatching(/^ {2}port: .* \(in 30 requests, first in .*\)$/),
      expect.stringMatching(/^ {2}hots: .* \(in 30 requests, first in .*\)$/),
    ])
  })

  test('is one line for a missing template, an env and delete -f', async () => {
    const templates = await site.dsctl(['apply', '-f', '-'], { stdin: JSON.stringify(several(30, { template: 'no' })) })
    expect(templates.stderr).toContain('  template: there is no template no (in 30 requests, first in ')
    const outside = await refused(several(30), ['--env', 'other'])
    expect(outside.lines[0]).toContain('but --env is other (in 30 requests')
    const names = JSON.stringify(several(30).map(({ name }) => ({ name, env: 'x y' })))
    const { stderr } = await site.dsctl(['delete', '-f', '-', '--yes'], { stdin: names })
    expect(stderr).toContain('"_" or "-" (in 30 requests, first in Standard input, request 1)\n')
  })
})

test('A problem of one request names the request', async () => {
  const { lines } = await refused([request('A', { port: 'x' }), request('B', { host: '' })])
  expect(lines.slice(0, -1)).toEqual([
    expect.stringMatching(/^ {2}Standard input, request 1 \(A\), port: /),
    expect.stringMatching(/^ {2}Standard input, request 2 \(B\), host: /),
  ])
})

test('Lines and JSON problems are limited, but their counts are complete', async () => {
  const { lines, error } = await refused(several(80, { port: 'x' }))
  expect(lines[0]).toContain('(in 80 requests, first in ')
  expect([error.fields?.length, error.hint]).toEqual([50, 'And 30 more problems.'])
  const different = several(70).map((each, at) => ({ ...each, [`hots${at}`]: 'y' }))
  const { lines: many } = await refused(different)
  expect([many.length, many.at(-1)]).toEqual([51, 'And 20 more problems.'])
})
