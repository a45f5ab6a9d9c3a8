import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VAULT } from '../support/configured-servers.ts'
import { diagnose } from '../support/doctor.ts'
import { creation } from '../support/requests.ts'
import { dsctl, json, jsonError } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// A mount whose delete_version_after deletes credentials some time after they are written.

const request = (name: string) => ({
  ...{ name, env: 'dev', type: 'mysql', host: 'h', username: 'u', password: 'p', default_database: 'd' },
})

let site: Site
beforeAll(async () => {
  site = await createSite()
  for (const name of ['Kept', 'Lost']) await create(name)
})
afterAll(() => site?.drop())

async function create(name: string): Promise<string> {
  const { args, stdin } = creation(request(name))
  return json(await site.dsctl(args, { stdin })).id
}

const configure = (after: string) =>
  site.vault.request('POST', `${site.vault.mount}/config`, { body: { delete_version_after: after } })

describe('delete_version_after of the mount', () => {
  test('is a problem that doctor and init report with the command that unsets it', async () => {
    await configure('24h')
    const found = (await diagnose(site)).of('versions')
    expect(found).toMatchObject({ status: 'problem', message: expect.stringMatching(/deletes credentials 24h/) })
    expect(found.fix).toContain('vault write MOUNT/config delete_version_after=0s')
    const command = `vault write ${site.vault.mount}/config delete_version_after=0s`
    for (const args of [['--check'], ['--yes']]) {
      const result = await dsctl(['init', ...args], { home: site.home, env: { VAULT_TOKEN: site.vault.rootToken } })
      expect(result, result.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining(command) })
    }
    await configure('0s')
    expect((await diagnose(site)).of('versions').status).toBe('ok')
    const quiet = await dsctl(['init', '--check'], { home: site.home, env: { VAULT_TOKEN: site.vault.rootToken } })
    expect(quiet.stderr).not.toContain('delete_version_after')
  })

  test.skipIf(!VAULT)('doctor --deep finds a secret with an end, also if the mount sets none', async () => {
    await configure('24h')
    const id = await create('With an end')
    await configure('0s')
    const found = (await diagnose(site, ['--deep'])).of('secrets')
    expect(found).toMatchObject({
      status: 'problem',
      items: [id],
      message: expect.stringMatching(/Vault deletes it at 2/),
    })
    expect(await site.dsctl(['delete', id, '--yes'])).toMatchObject({ code: 0 })
  })
})

describe('an export of data sources without credentials', () => {
  test('names them and exits with 8, in every format', async () => {
    const { id } = json(await site.dsctl(['get', 'Lost', '-o', 'json']))
    const path = `${site.vault.mount}/data/data-sources/${id}`
    await site.vault.request('DELETE', path)
    for (const format of ['yaml', 'json']) {
      const result = await site.dsctl(['export', '-o', format])
      expect(result.code).toBe(8)
      expect(result.stdout).toContain('Kept')
      expect(result.stdout).not.toContain('Lost')
      expect(result.stderr).toContain('The export is incomplete. Left out: Lost (dev).')
    }
    expect(jsonError(await site.dsctl(['export', '-o', 'json']))).toMatchObject({ code: 'unhealthy', exit_code: 8 })
  })
})
