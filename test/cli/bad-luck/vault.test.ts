import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { ALL_COMMANDS, COMMANDS, type Command, commandFailures, expectClean } from '../../support/command-failures.ts'
import { mainRequest, plainFields } from '../../support/examples.ts'
import type { ProxiedSite } from '../../support/proxied-site.ts'
import { json, jsonError } from '../../support/run.ts'
import type { Site } from '../../support/site.ts'
import { expireLeases, openIntentsIn, orphanSecretsIn } from '../../support/stored.ts'
import { answerWith } from '../../support/vault-proxy.ts'

const { fixture, expectFailure, expectNothingDone } = commandFailures()
let site: Site
let proxied: ProxiedSite
let id: string

beforeAll(() => {
  ;({ site, proxied, id } = fixture)
})

describe('the token', () => {
  test('is missing', async () => {
    const failure = { exit: 3, code: 'unauthenticated', says: /No Vault token/, advises: /VAULT_TOKEN/ }
    await expectNothingDone({ env: { VAULT_TOKEN: undefined } }, failure)
  })

  const refused = {
    exit: 3,
    code: 'unauthenticated',
    says: /invalid or has expired, or it lacks the default policy/,
    advises: /VAULT_TOKEN to a valid token/,
  }

  test('is none', async () => {
    await expectNothingDone({ env: { VAULT_TOKEN: 'hvs.MARKERtoken' } }, refused)
  })

  test('has expired', async () => {
    const token = await site.vault.userToken({ email: site.admin.email, ttl: '1s' })
    const asked = () => site.vault.request('GET', 'auth/token/lookup-self', { token })
    await expect.poll(async () => (await asked()).status, { timeout: 20_000, interval: 200 }).toBe(403)
    await expectNothingDone({ env: { VAULT_TOKEN: token } }, refused)
  })

  test('is nobody’s', async () => {
    const failure = { exit: 4, code: 'forbidden', says: /has no e-mail address/, advises: /has no entity|--user/ }
    await expectNothingDone({ env: { VAULT_TOKEN: await site.vault.createToken({}) } }, failure)
    await expectNothingDone({ env: { VAULT_TOKEN: site.vault.rootToken } }, failure, ['list', 'create'])
  })

  test('may not act for another', async () => {
    const failure = { exit: 4, code: 'forbidden', says: /may not act as someone@example\.com/, advises: /dsctl_act_as/ }
    await expectNothingDone({ env: { DSCTL_USER: 'someone@example.com' } }, failure, ['list', 'create'])
  })

  test('may neither write nor remove secrets', async () => {
    const policy = await site.vault.createPolicy(
      'reader',
      `path "${site.vault.mount}/data/*" { capabilities = ["read"] }`,
    )
    const token = await site.vault.userToken({ email: site.admin.email, policies: [policy] })
    const options = { env: { VAULT_TOKEN: token } }
    const failure = { exit: 4, code: 'forbidden', says: /does not allow this token to write/, advises: /policies/ }
    await expectFailure('create', options, failure)
    await expectFailure('update of credentials', options, failure)
    await expectNothingDone(
      options,
      {
        ...failure,
        says: /is not allowed to delete secrets, so nothing was deleted/,
        advises: /delete on the metadata path/,
      },
      ['delete'],
    )
    expect(await openIntentsIn(site)).toEqual([])
  })
})

describe('the mount', () => {
  // A token whose policies would allow anything, so that it is the mount that is wrong.
  const powerful = async () => {
    const { mount } = site.vault
    const all = '{ capabilities = ["create", "read", "update", "delete", "list"] }'
    const policy = await site.vault.createPolicy(
      'all',
      [mount, `${mount}-v1`, 'nowhere'].map(name => `path "${name}/*" ${all}`).join('\n'),
    )
    return site.vault.userToken({ email: site.admin.email, policies: [policy] })
  }
  const commands: Command[] = ['get', 'create', 'update of credentials']

  test('is not there', async () => {
    const env = { VAULT_TOKEN: await powerful(), DSCTL_VAULT_MOUNT: 'nowhere' }
    for (const command of commands)
      await expectFailure(
        command,
        { env },
        { exit: 2, code: 'invalid', says: /no mount nowhere/, advises: /vault\.mount/ },
      )
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('is not there, and a delete is refused before anything is written', async () => {
    const stdin = JSON.stringify({ ...plainFields, name: 'Kept', env: 'dev', type: 'postgres' })
    const { id: other } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    const env = { VAULT_TOKEN: await powerful(), DSCTL_VAULT_MOUNT: 'nowhere' }
    const result = await site.dsctl(['delete', other, '--yes', '-o', 'json'], { env })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(jsonError(result)).toMatchObject({ message: expect.stringContaining('no mount nowhere') })
    expect(await site.dsctl(['delete', other, '--yes'])).toMatchObject({ code: 0, stdout: '' })
    expect(await orphanSecretsIn(site)).toEqual([])
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('is KV version 1, and nothing stays in it', async () => {
    const mount = `${site.vault.mount}-v1`
    await site.vault.request('POST', `sys/mounts/${mount}`, { body: { type: 'kv', options: { version: '1' } } })
    const env = { VAULT_TOKEN: await powerful(), DSCTL_VAULT_MOUNT: mount }
    for (const command of commands) {
      const says = /is KV version 1; dsctl needs KV version 2/
      await expectFailure(command, { env }, { exit: 2, code: 'invalid', says, advises: /-version=2/ })
    }
    const id = await site.addDataSource({ name: randomUUID() })
    const refused = await site.dsctl(['delete', id, '--yes'], { env })
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('is KV version 1') })
    expect(await site.dsctl(['get', id])).toMatchObject({ code: 0 })
    await site.database.query('DELETE FROM data_sources WHERE id = $1', [id])
    expect(await openIntentsIn(site)).toEqual([])
    const left = await site.vault.request('GET', `${mount}/?list=true`)
    expect(left.status).toBe(404)
    await site.vault.request('DELETE', `sys/mounts/${mount}`)
  })
})

describe('Vault', () => {
  const sealed = answerWith(503, { errors: ['Vault is sealed'] })

  test('is sealed', async () => {
    proxied.vault.at(/./, sealed)
    await expectNothingDone(
      { env: proxied.env },
      { exit: 7, code: 'unavailable', says: /Vault is sealed/, advises: /vault operator unseal/ },
    )
  })

  test('is down', async () => {
    await proxied.vault.down()
    const failure = {
      exit: 7,
      code: 'unavailable',
      says: /Vault at 127\.0\.0\.1:\d+ cannot be reached: the connection was refused/,
      advises: /VAULT_ADDR/,
    }
    await expectNothingDone({ env: proxied.env }, failure)
    await proxied.vault.up()
  })

  test('answers nothing', async () => {
    proxied.vault.freeze()
    for (const command of ALL_COMMANDS) {
      const failure = {
        exit: 7,
        code: 'unavailable',
        says: /Vault at .* did not answer in time/,
        advises: /Vault is running/,
      }
      const { before, after } = await expectFailure(command, { env: proxied.env }, failure, '1')
      expect(after).toEqual(before)
    }
  })

  test('takes too many requests', async () => {
    proxied.vault.at(/lookup-self/, answerWith(429, { errors: ['too many requests'] }))
    const failure = { exit: 7, code: 'unavailable', says: /rate limiting/, advises: /again/ }
    await expectNothingDone({ env: proxied.env }, failure, ['list', 'create'])
  })

  test('is something else', async () => {
    proxied.vault.at(/./, answerWith(200, '<html>MARKERtoken</html>'))
    const result = await proxied.dsctl(['list', '-o', 'json'])
    expect(result.stdout + result.stderr).not.toContain('MARKER')
    expect(result).toMatchObject({ code: expect.toSatisfy((code: number) => [2, 3].includes(code)), stdout: '' })
  })

  test('is sealed during a create, and nothing is left', async () => {
    proxied.vault.at(/^POST .*\/data\//, sealed)
    const failure = { exit: 7, code: 'unavailable', says: /Vault is sealed/, advises: /unseal/ }
    await expectFailure('create', { env: proxied.env }, failure, '1')
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
  })

  test.each(['create', 'update of credentials'] as const)(
    'is sealed from the write of %s on, which is later rolled back',
    async command => {
      proxied.vault.at(/^(POST|DELETE) .*\/(data|metadata)\//, sealed)
      const stdin = JSON.stringify(mainRequest)
      const result = await proxied.dsctl([...COMMANDS[command](id), '--timeout', '1', '-o', 'json'], { stdin })
      expectClean(result, 7, command)
      expect(jsonError(result)).toMatchObject({ code: 'unavailable', message: 'Vault is sealed.', outcome: 'undoing' })
      expect(jsonError(result).hint).toMatch(/settles it/)
      expect(await openIntentsIn(site)).toHaveLength(1)
      await proxied.restore()
      await expireLeases(site)
      const next = command === 'create' ? COMMANDS.create() : ['update', id, '--port', '7001']
      const again = await proxied.dsctl([...next, '-o', 'json'], { stdin })
      expect(again.code, again.stderr).toBe(0)
      expect(await openIntentsIn(site)).toEqual([])
      expect(await orphanSecretsIn(site)).toEqual([])
      if (command === 'create') await site.dsctl(['delete', json(again).id, '--yes'])
      else await site.dsctl(['update', id, '--unset', 'port'])
    },
  )

  test('fails the read of an update that is done, which answers without credentials', async () => {
    proxied.vault.at(/^GET .*\/data\//, sealed)
    const result = await proxied.dsctl(['update', id, '--set-env', 'prod', '-o', 'json'])
    expect(result).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('The credentials could not be read: Vault is sealed.'),
    })
    expect(json(result)).toMatchObject({ env: 'prod', credentials: null })
    await proxied.restore()
    await site.dsctl(['update', id, '--set-env', 'dev'])
  })

  test('fails the read of a get, which is then no answer', async () => {
    proxied.vault.at(/^GET .*\/data\//, sealed)
    const failure = { exit: 7, code: 'unavailable', says: /Vault is sealed/, advises: /unseal/ }
    await expectFailure('get', { env: proxied.env }, failure)
  })

  test('fails the removal of a delete, which the next delete completes', async () => {
    const stdin = JSON.stringify({ ...plainFields, name: 'Owed', env: 'dev', type: 'postgres' })
    const { id: other } = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin }))
    proxied.vault.at(/^DELETE/, sealed)
    for (const ref of ['Owed', other, 'Owed']) {
      const result = await proxied.dsctl(['delete', ref, '--yes', '--timeout', '1', '-o', 'json'])
      expect(result).toMatchObject({ code: 7, stdout: '' })
      const hint = expect.stringContaining(`dsctl delete ${other}`)
      expect(jsonError(result)).toMatchObject({ code: 'unavailable', outcome: 'owed', id: other, hint })
      expect(jsonError(result).message).toMatch(/The data source is deleted, but its secret is still in Vault/)
    }
    const several = await proxied.dsctl(['delete', 'Owed', other, '--yes', '--timeout', '1', '-o', 'json'])
    expect(several.code, several.stderr).toBe(8)
    const error = { exit_code: 7, outcome: 'owed', hint: expect.stringContaining('dsctl doctor --fix') }
    expect(json(several)).toMatchObject([{ error }, { error }])
    expect(await site.dsctl(['get', other])).toMatchObject({ code: 5 })
    expect(await orphanSecretsIn(site)).toEqual([`data-sources/${other}`])
    await proxied.restore()
    expect(await proxied.dsctl(['delete', 'Owed', '--yes'])).toMatchObject({ code: 0, stdout: '' })
    expect(await orphanSecretsIn(site)).toEqual([])
    expect(await openIntentsIn(site)).toEqual([])
    expect(await proxied.dsctl(['delete', other, '--yes'])).toMatchObject({ code: 5 })
  })
})
