import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { markedBlock } from '../support/docs.ts'
import { dsctl, type RunOptions, temporaryFolder } from '../support/run.ts'
import { shell } from '../support/shell.ts'
import { createSite, grants, ON_EMBEDDED, type Site } from '../support/site.ts'
import { terminal } from '../support/terminal.ts'

// `dsctl init` with tokens that may do little, or that Vault rejects.

describe.skipIf(ON_EMBEDDED)('init', () => {
  let site: Site
  let reader: { url: string; token: string }

  beforeAll(async () => {
    site = await createSite()
    await site.dsctl(['create', '-f', '-'], {
      stdin: JSON.stringify({ name: 'Sales', env: 'dev', type: 'mysql', ...FIELDS }),
    })
    const { role, url } = await site.database.createRole()
    await site.database.query(grants('reader', role))
    const policies = [await site.vault.createPolicy('reader', markedBlock('policy: reader'))]
    const vera = await site.addPerson({ email: 'vera@example.com', role: 'viewer', policies })
    reader = { url, token: String(vera.env.VAULT_TOKEN) }
  })
  afterAll(() => site?.drop())

  const FIELDS = { host: 'h', username: 'u', password: 'a word', default_database: 'd' }
  const servers = (url: string) =>
    ['init', '--database-url', url, '--vault-addr', site.vault.addr, '--vault-mount', site.vault.mount] as const

  test('saves the profile of a viewer, and says what the token can do', async () => {
    const options: RunOptions = { home: temporaryFolder(), env: { VAULT_TOKEN: reader.token } }
    const result = await dsctl([...servers(reader.url)], options)
    expect(result.stderr).toContain('With this token, dsctl can list data sources and show their records, without')
    expect(result.stderr).toMatch(/Saved the settings as profile default\.\nNext: dsctl list\n$/)
    expect(result).toMatchObject({ code: 0, stdout: '' })
    expect(await dsctl(['list', '-o', 'name'], options)).toMatchObject({ code: 0, stdout: 'Sales\n' })
    expect((await dsctl([...servers(reader.url)], options)).stderr).toContain('Already set up. Nothing changed.')
  })

  test('proposes list to a viewer whose token can write', async () => {
    const vic = await site.addPerson({ email: 'vic@example.com', role: 'viewer' })
    const result = await dsctl([...servers(reader.url)], { env: { VAULT_TOKEN: vic.env.VAULT_TOKEN } })
    expect(result.stderr).toMatch(/^Saved the settings as profile default\.\nNext: dsctl list\n$/)
  })

  test('proposes whoami to a person whom the application does not know', async () => {
    const token = await site.vault.userToken({ email: 'nobody@example.com', policies: ['default'] })
    const result = await dsctl([...servers(reader.url)], { env: { VAULT_TOKEN: token } })
    expect(result.stderr).toMatch(/no user nobody@example\.com[\s\S]*\nNext: dsctl whoami\n$/)
    expect(result.code).toBe(0)
  })

  test('names a command to log in that works before anything is saved', async () => {
    const { stderr, code } = await dsctl([...servers(reader.url)])
    expect(code).toBe(3)
    const [command = ''] = /VAULT_ADDR=\S+ dsctl login/.exec(stderr) ?? []
    const bash = shell({ TOKEN: reader.token })
    expect(await bash.run(`${command} --token env:TOKEN`)).toContain('Logged in.')
    expect(await bash.run(`dsctl ${servers(reader.url).join(' ')}`)).toContain('Next: dsctl list')
    bash.end()
  })

  test('exits 3 without a terminal if Vault rejects the token', async () => {
    const home = temporaryFolder()
    const { stderr, code } = await dsctl([...servers(reader.url)], { home, env: { VAULT_TOKEN: 'wrong' } })
    expect(code).toBe(3)
    expect(stderr).toContain(`VAULT_ADDR=${site.vault.addr} dsctl login`)
    expect(existsSync(join(home, 'dsctl-config/config.json'))).toBe(false)
  })

  test('asks again at a terminal if Vault rejects the token, with a way back', async () => {
    const home = temporaryFolder()
    const screen = terminal(['init'], { home, env: { NO_COLOR: '1' } })
    const turns: [string, string][] = [
      ['Where should data sources be stored?', '\r'],
      ['Database URL:', '\u001b'],
      ['Where should data sources be stored?', '\r'],
      ['Database URL:', `${reader.url}\r`],
      ['Vault address:', `${site.vault.addr}\r`],
      ['Vault mount (KV version 2): (secret)', 'wrong\r'],
      [`press Ctrl-C and run: VAULT_ADDR=${site.vault.addr} dsctl login\n? Vault token`, 'hvs.rejected\r'],
      ['Vault token', '\u001b'],
      ['Vault mount (KV version 2): wrong', `\u0015${site.vault.mount}\r`],
      ['Vault token', `${reader.token}\r`],
    ]
    for (const [question, keys] of turns) {
      await screen.waitFor(question)
      screen.type(keys)
    }
    await screen.waitFor('Next: dsctl list')
    expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
    expect(screen.text()).toMatch(/Vault does not accept this token/)
    expect(readFileSync(join(home, '.vault-token'), 'utf8').trim()).toBe(reader.token)
    expect(screen.raw()).not.toContain('hvs.rejected')
  })

  test('asks for another token at a terminal if the saved one is rejected', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 'hvs.expired', { mode: 0o600 })
    const screen = terminal([...servers(reader.url)], { home, env: { NO_COLOR: '1' } })
    await screen.waitFor('Vault does not accept the token')
    await screen.waitFor('? Vault token')
    screen.type('hvs.wrong\r')
    await screen.waitFor('Vault does not accept this token')
    await screen.waitFor('? Vault token')
    screen.type(`${reader.token}\r`)
    await screen.waitFor('Next: dsctl list')
    expect(await screen.exit, screen.text()).toMatchObject({ code: 0 })
  })
})
