import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Attempt, byFlags, byRequest, expectRefusal, type Refusal } from '../../support/bad-input.ts'
import { plainFields } from '../../support/examples.ts'
import { json } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { openSshKey, serviceAccount } from '../../unit/source-types/samples.ts'

let site: Site
/** A postgres source for updates. */
let id: string

beforeAll(async () => {
  site = await createSite()
  const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
  id = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
})
afterAll(() => site?.drop())

const expectRefused = (attempt: Attempt, refusal: Refusal) => expectRefusal(site, attempt, refusal)

describe('rejects as a secret:', () => {
  const secretOf = (value: unknown) => byRequest({ password: value })

  test.each([
    ['a password on the command line', { password: 'MARKERpassword' }, ['password']],
    ['a key on the command line', { 'ssh-private-key': 'MARKERkeybody' }, ['ssh_private_key']],
    ['an environment variable’s value, expanded by the shell', { password: 'env:MARKER-password' }, ['password']],
    ['several on the command line', { password: 'MARKERpassword', 'api-key': 'MARKERtoken' }, ['password', 'api_key']],
  ])('%s', async (_, flags, fields) => {
    const says = /must be -, @FILE, env:NAME or vault:MOUNT\/PATH#FIELD: values on the command line are visible/
    await expectRefused(byFlags(flags), { fields, says })
    const options = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
    await expectRefused({ args: ['update', id, ...options] }, { fields, says })
  })

  test('a password stuck to its flag', async () => {
    const { args } = byFlags({ password: undefined })
    const says = /values on the command line are visible/
    await expectRefused({ args: [...args, '--password=MARKERpassword'] }, { fields: ['password'], says })
  })

  test('a literal secret, before anything else is checked', async () => {
    const attempt = { ...byFlags({ password: 'MARKERpassword', port: 'abc' }), env: { VAULT_TOKEN: '' } }
    await expectRefused(attempt, { fields: ['password'], says: /values on the command line/ })
  })

  test.each([
    ['--pasword=MARKERpassword', /Unknown option '--pasword'.*\n.*--password/],
    [`--pasword=a'MARKERpassword'b`, /Unknown option '--pasword'\./],
    ['--pasword=line\nMARKERpassword', /Unknown option '--pasword'\./],
    ['--pasword=line\n(Did you mean MARKERpassword?)', /Unknown option '--pasword'\./],
    ['-pMARKERpassword', /Unknown option '-p'\./],
    ['--dry-run=MARKERpassword', /Unknown option '--dry-run'\./],
    ['--dry-run=\nMARKERpassword', /Unknown option '--dry-run'\./],
  ])('one that is stuck to an unknown flag: %j', async (glued, says) => {
    await expectRefused({ args: ['create', 'New', glued] }, { says })
    await expectRefused({ args: ['update', id, glued] }, { says })
    await expectRefused(
      { args: ['config', 'set', 'env', 'dev', glued.replace('dry-run', 'set-name')] },
      { says: /Unknown option/ },
    )
    await expectRefused({ args: [glued.replace('dry-run', 'no-input'), 'list'] }, { says: /Unknown option/ })
  })

  test('a path in Vault that is the same for every data source', async () => {
    const env = { DSCTL_VAULT_PATH: 'data-sources?{id}' }
    const refusal = { fields: ['vault.path'], says: /vault\.path: must be names separated by \// }
    await expectRefused({ ...byRequest({}), env }, refusal)
    await expectRefused({ args: ['update', id, '--port', '7000'], env }, refusal)
  })

  test.each(['[REDACTED]', '[redacted]', '****', '********', '<redacted>', ' ******** '])('the mask %s', async mask => {
    await expectRefused(secretOf(mask), {
      fields: ['password'],
      says: /password: is a mask: enter the secret itself/,
    })
    const { args } = byFlags({})
    await expectRefused({ args, stdin: mask }, { fields: ['password'], says: /password: is a mask/ })
  })

  test('a mask in a field that is not secret', async () => {
    await expectRefused(byRequest({ host: '[REDACTED]' }), {
      fields: ['host'],
      says: /host: must not contain \[REDACTED\]/,
    })
  })

  test.each([
    ['nothing', ''],
    ['a line end alone', '\n'],
    ['a Windows line end alone', '\r\n'],
  ])('%s', async (_, stdin) => {
    const { args } = byFlags({})
    await expectRefused({ args, stdin }, { fields: ['password'], says: /password: must not be empty/ })
    await expectRefused(
      { args: ['update', id, '--password', '-'], stdin },
      { fields: ['password'], says: /must not be empty/, audited: true },
    )
    const file = byFlags({ password: '@secret' })
    await expectRefused(
      { ...file, files: { secret: stdin } },
      { fields: ['password'], says: /password: must not be empty/ },
    )
  })

  test.each([
    ['a variable that is not set', 'env:NOT_SET', /password: comes from NOT_SET, which is not set/],
    ['a variable that is empty', 'env:EMPTY', /password: comes from EMPTY, which is not set/],
    ['a file that is not there', '@missing', /password: comes from missing, which does not exist/],
    ['a folder', '@.', /password: comes from \., which is a folder/],
    ['bytes that are no UTF-8', '@latin1', /password: comes from latin1, which is not UTF-8 text/],
    ['several lines', '@lines', /password: must be one line/],
    ['a text of 1025 characters', '@long', /password: must have at most 1,024 characters/],
  ])('%s', async (_, password, says) => {
    const latin1 = Buffer.concat([Buffer.from('MARKERpassword'), Buffer.from([0xe9])])
    const files = { latin1, lines: 'MARKERpassword\nMARKERtoken\n', long: 'MARKERpassword'.repeat(80) }
    await expectRefused({ ...byFlags({ password }), files, env: { EMPTY: '' } }, { fields: ['password'], says })
  })

  test('two from standard input', async () => {
    const attempt = byFlags({ 'jump-host': 'j', 'ssh-username': 'u', 'ssh-private-key': '-' })
    const says = /ssh_private_key: cannot come from standard input too: only one secret/
    await expectRefused(attempt, { fields: ['ssh_private_key'], says })
  })

  test('one from standard input if the request comes from there', async () => {
    const { stdin = '' } = byRequest({ password: undefined })
    const says = /password: cannot come from standard input too: the request itself comes from there/
    await expectRefused({ args: ['create', '-f', '-', '--password', '-'], stdin }, { fields: ['password'], says })
    const change = { args: ['update', id, '-f', '-', '--password', '-'], stdin: '{"host":"h"}' }
    await expectRefused(change, { fields: ['password'], says })
  })

  test.each([
    ['a key that is none', 'MARKERkeybody'],
    ['a public key', 'ssh-ed25519 AAAAMARKERkeybody user@host'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMARKERkeybody\n-----END CERTIFICATE-----\n'],
    ['a key whose line breaks are lost', openSshKey.replaceAll('\n', ' ')],
    ['a key whose line breaks stand as \\n', openSshKey.replaceAll('\n', '\\n')],
    ['a key without its end', openSshKey.split('\n').slice(0, -2).join('\n')],
    ['a key of more than 64 KiB', openSshKey.replace('\n', `\n${'MARKERkeybody'.repeat(6000)}\n`)],
  ])('%s', async (_, key) => {
    const tunnel = { jump_host: 'j', ssh_username: 'u', ssh_private_key: key }
    const says = /ssh_private_key: must (be a private key in PEM or OpenSSH format|be at most 64 KiB)/
    await expectRefused(byRequest(tunnel), { fields: ['ssh_private_key'], says })
  })

  test.each([
    ['no JSON', 'MARKERkeybody {', /service_account_key: must be the JSON object of a service account key/],
    ['a list', '["MARKERkeybody"]', /service_account_key: must be the JSON object/],
    [
      'of another type',
      JSON.stringify({ ...serviceAccount, type: 'authorized_user' }),
      /its type must be "service_account"/,
    ],
    ['without its project', JSON.stringify({ ...serviceAccount, project_id: undefined }), /its project_id is missing/],
    [
      'whose private key is broken',
      JSON.stringify({ ...serviceAccount, private_key: 'MARKERkeybody' }),
      /its private_key must be/,
    ],
  ])('a service account key that is %s', async (_, key, says) => {
    const bigquery = { name: 'New', env: 'dev', type: 'bigquery', default_dataset: 'd' }
    const file = { args: ['create', '-f', '-'], stdin: JSON.stringify({ ...bigquery, service_account_key: key }) }
    await expectRefused(file, { fields: ['service_account_key'], says })
    const flags = ['--env', 'dev', '--type', 'bigquery', '--default-dataset', 'd', '--service-account-key', '@key']
    await expectRefused(
      { args: ['create', 'New', ...flags], files: { key } },
      { fields: ['service_account_key'], says },
    )
  })

  test('a token that a header cannot hold', async () => {
    const databricks = { host: 'h', username: undefined, password: undefined, default_database: undefined }
    const request = { ...databricks, type: 'databricks', warehouse_id: 'w', default_catalog: 'c' }
    for (const api_key of ['MARKERtoken\n', 'MARKER token', 'MARKERtökén'])
      await expectRefused(byRequest({ ...request, api_key }), {
        fields: ['api_key'],
        says: /api_key: must be printable ASCII/,
      })
  })
})
