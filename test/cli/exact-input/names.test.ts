import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { POSTGRES_URL } from '../../support/configured-servers.ts'
import { plainFields } from '../../support/examples.ts'
import { json, jsonError } from '../../support/run.ts'
import { database, REAL_POSTGRES, scratchVault } from '../../support/servers.ts'
import { createSite, createSiteOn, type Site } from '../../support/site.ts'

// The same names in other canonical forms of Unicode: composed, decomposed, mixed, and older characters.
const FORMS: readonly [string, readonly string[]][] = [
  ['an accent', ['Caf\u00e9', 'Cafe\u0301']],
  ['two accents', ['\u01d8x', 'u\u0308\u0301x', '\u00fc\u0301x']],
  ['two letters', ['\u00e9\u00fc', 'e\u0301u\u0308', '\u00e9u\u0308', 'e\u0301\u00fc']],
  ['Hangul', ['\ud55c\uae00', '\u1112\u1161\u11ab\u1100\u1173\u11af', '\ud55c\u1100\u1173\u11af']],
  ['Angstrom', ['\u00c5', 'A\u030a', '\u212b']],
  ['Kelvin', ['300 K', '300 \u212a']],
]
const LONG = 'ガ'.repeat(40)

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const request = (name: string, more: object = {}) => ({ name, env: 'dev', type: 'postgres', ...plainFields, ...more })
const run = (command: readonly string[], input: unknown) =>
  site.dsctl([...command, '-f', '-', '-o', 'json'], { stdin: JSON.stringify(input) })
const nameOf = async (ref: string) => json(await site.dsctl(['get', ref, '-o', 'json'])).name

describe.each([...FORMS, ['many letters', [LONG, LONG.normalize('NFD')]] as const])('A name with %s', (_, forms) => {
  const [first = ''] = forms

  test('is stored as typed, found in each form and taken in each', async () => {
    const { id } = json(await run(['create'], request(first)))
    for (const form of forms) {
      expect(json(await site.dsctl(['get', form, '-o', 'json']))).toMatchObject({ id, name: first })
      expect(json(await site.dsctl(['list', '--search', form, '-o', 'json']))).toMatchObject([{ id }])
      expect(jsonError(await run(['create'], request(form)))).toMatchObject({ exit_code: 6 })
      expect(json(await run(['apply'], [request(form)]))).toMatchObject([{ action: 'unchanged', id }])
    }
    const [, other = ''] = forms
    const error = jsonError(await run(['apply'], [request(first), request(other)]))
    expect(error.fields?.[0]?.message).toContain('appears twice in env dev')
    const pruned = await run(['apply', '--prune', '--env', 'dev', '--yes'], [request(other)])
    expect(json(pruned)).toMatchObject([{ action: 'unchanged', id }])
    expect(await site.dsctl(['update', first, '--set-name', other])).toMatchObject({ code: 0 })
    expect(await nameOf(id)).toBe(other)
    expect(await site.dsctl(['delete', first, '--yes'])).toMatchObject({ code: 0 })
  })
})

describe('Names that differ only in their form', () => {
  test('cannot be made by a rename or by a move to another env', async () => {
    const { id } = json(await run(['create'], request('Gr\u00fcn')))
    const other = json(await run(['create'], request('Rot'))).id
    const renamed = await site.dsctl(['update', other, '--set-name', 'Gru\u0308n', '-o', 'json'])
    expect(jsonError(renamed)).toMatchObject({ exit_code: 6, hint: expect.stringContaining(id) })
    const moved = json(await run(['create'], request('Gru\u0308n', { env: 'test' }))).id
    expect(jsonError(await site.dsctl(['update', moved, '--set-env', 'dev', '-o', 'json']))).toMatchObject({
      exit_code: 6,
    })
    for (const each of [id, other, moved])
      expect(await site.dsctl(['delete', each, '--yes'])).toMatchObject({ code: 0 })
  })

  test('are reachable by id if an application has made them', async () => {
    const ids = [await site.addDataSource({ name: 'Blau\u00fc' }), await site.addDataSource({ name: 'Blauu\u0308' })]
    for (const [at, id] of ids.entries()) {
      expect(await nameOf(id)).toBe(['Blau\u00fc', 'Blauu\u0308'][at])
    }
    const error = jsonError(await site.dsctl(['get', 'Blau\u00fc', '-o', 'json']))
    expect(error).toMatchObject({
      ...{ exit_code: 2, message: 'Several data sources are named Blau\u00fc.' },
      hint: 'Pass its UUID, and rename one of them.',
    })
    expect(error.fields?.map(({ message }) => message).sort()).toEqual(ids.map(id => `dev: ${id}`).sort())
    const applied = jsonError(await run(['apply'], [request('Blau\u00fc')]))
    expect(applied).toMatchObject({ exit_code: 6, message: expect.stringContaining('Two data sources are named Blau') })
    expect(await site.dsctl(['update', String(ids[0]), '--set-name', 'Hellblau'])).toMatchObject({ code: 0 })
    expect(await nameOf('Blau\u00fc')).toBe('Blauu\u0308')
  })
})

describe.skipIf(!REAL_POSTGRES)('In a database that is not in UTF-8', () => {
  let latin: Site
  beforeAll(async () => {
    const name = `dsctl_latin1_${process.pid}`
    const admin = new pg.Client({ connectionString: POSTGRES_URL })
    await admin.connect()
    await admin.query(`CREATE DATABASE "${name}" ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`)
    const url = new URL(String(POSTGRES_URL))
    url.pathname = name
    const drop = async (roles: string[]) => {
      await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
      for (const role of roles) await admin.query(`DROP ROLE IF EXISTS "${role}"`)
      await admin.end()
    }
    latin = await createSiteOn(database(url, name, drop), await scratchVault())
  })
  afterAll(() => latin?.drop())

  // In a process of its own, which remembers that the database has no Unicode.
  const inLatin = (args: readonly string[], stdin?: string) => latin.spawnDsctl(args, { stdin }).result

  test('names with other forms are found, taken, renamed and deleted as before', async () => {
    for (const name of ['Caf\u00e9', '300 K']) {
      const stdin = JSON.stringify(request(name))
      const created = await inLatin(['create', '-f', '-', '-o', 'json'], stdin)
      const { id } = json(created)
      expect(json(await inLatin(['get', name, '-o', 'json'])).id).toBe(id)
      expect(json(await inLatin(['list', '--search', name, '-o', 'json']))).toMatchObject([{ id }])
      expect((await inLatin(['create', '-f', '-'], stdin)).code).toBe(6)
      expect(json(await inLatin(['apply', '-f', '-', '-o', 'json'], stdin))).toMatchObject([
        { action: 'unchanged', id },
      ])
      expect(await inLatin(['update', name, '--set-env', 'test', '--host', 'h2'])).toMatchObject({ code: 0 })
      expect(await inLatin(['update', name, '--set-name', `${name} \u00fc`])).toMatchObject({ code: 0 })
      expect(await inLatin(['delete', `${name} \u00fc`, '--yes'])).toMatchObject({ code: 0 })
    }
  })
})
