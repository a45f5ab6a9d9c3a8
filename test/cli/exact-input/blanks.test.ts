import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { serviceAccount } from '../../unit/source-types/samples.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const create = (request: object) => {
  const stdin = JSON.stringify({ name: 'Never', env: 'dev', type: 'postgres', ...plainFields, ...request })
  return site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
}

describe('A text field refuses', () => {
  test.each([
    ['app ', 'must not end with white space (U+0020)'],
    [' app', 'must not start with white space (U+0020)'],
    ['app\u00a0', 'must not end with white space (U+00A0)'],
    ['\u3000app', 'must not start with white space (U+3000)'],
    ['ma\u200bin', 'must not contain invisible characters (U+200B)'],
    ['main\u200b', 'must not contain invisible characters (U+200B)'],
    ['main\u00ad', 'must not contain invisible characters (U+00AD)'],
    ['ma\u202ein', 'must not contain invisible characters (U+202E)'],
    ['ma\u2060in', 'must not contain invisible characters (U+2060)'],
    ['ma\u115fin', 'must not contain invisible characters (U+115F)'],
    ['\ufeffmain', 'must not start with white space (U+FEFF)'],
  ])('%j', async (value, message) => {
    const fields = ['username', 'default_database', 'default_schema'].map(field => ({ field, message }))
    const values = Object.fromEntries(fields.map(({ field }) => [field, value]))
    expect(jsonError(await create(values)).fields).toEqual(fields)
  })

  test('them by flag, in a template and in a service account key', async () => {
    const message = 'must not end with white space (U+0020)'
    const flag = await site.dsctl(['template', 'set', 'T', '--type', 'mysql', '--username', 'u ', '-o', 'json'])
    expect(jsonError(flag).fields).toEqual([{ field: 'username', message }])
    const key = { ...serviceAccount, client_email: `${serviceAccount.client_email} ` }
    const none = { host: undefined, username: undefined, password: undefined, default_database: undefined }
    const request = { ...none, type: 'bigquery', default_dataset: 'd', service_account_key: key }
    const error = jsonError(await create(request))
    expect(error.fields).toEqual([{ field: 'service_account_key', message: `its client_email ${message}` }])
  })
})

test('A secret keeps blanks and invisible characters', async () => {
  const password = ' \u00a0a\u200b '
  const { id } = json(await create({ name: 'Secret', password, username: 'a b', default_database: '❤️ 👩‍💻' }))
  expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toMatchObject({ password, username: 'a b' })
})

describe('A name gets a warning', () => {
  const around = 'dsctl: warning: the white space around the name was removed.\n'
  const hidden = 'dsctl: warning: the name contains invisible characters (U+200B).\n'

  test('in create and update', async () => {
    const created = await create({ name: ' Padded ' })
    expect(created).toMatchObject({ code: 0, stderr: expect.stringContaining('the white space around the name') })
    const { id, name } = json(created)
    expect(name).toBe('Padded')
    const renamed = await site.dsctl(['update', id, '--set-name', 'In\u200bvisible', '-o', 'id'])
    expect(renamed).toMatchObject({ code: 0, stderr: `${hidden}Changed: name.\n` })
    expect(json(await site.dsctl(['get', id, '-o', 'json'])).name).toBe('In\u200bvisible')
    expect((await site.dsctl(['update', id, '--set-name', ' Plain', '-o', 'id'])).stderr).toContain(around)
  })

  test('in a batch, at most six', async () => {
    const request = { env: 'dev', type: 'postgres', ...plainFields }
    const names = Array.from({ length: 8 }, (_, at) => `Name ${at}\u200b`)
    const stdin = JSON.stringify(names.map(name => ({ ...request, name })))
    const { code, stderr } = await site.dsctl(['apply', '-f', '-'], { stdin })
    expect(code).toBe(0)
    expect(stderr.match(/warning/g)).toHaveLength(6)
    expect(stderr).toContain('request 1: the name contains invisible characters (U+200B).\n')
    expect(stderr).toContain('3 more names have white space around them or invisible characters.\n')
  })
})
