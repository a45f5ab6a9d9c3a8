import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Block, blocks, comparable, type Example, examples, getPage, markedBlock } from '../support/docs.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import type { Spawned } from '../support/run.ts'
import { type Shell, shell } from '../support/shell.ts'
import { adminPolicy, createSite, type Site } from '../support/site.ts'
import { killAt } from '../support/steps.ts'
import { expireLeases } from '../support/stored.ts'

// Runs docs/recipes.md from its first line to its last, on a site of its own.

const BLOCKS = blocks(getPage('docs/recipes.md'))

const REAL_VAULT = process.env.DSCTL_TEST_VAULT_ADDR !== undefined
/** A stand-in for the vault command, with the subcommands that the recipes use. */
const VAULT = fileURLToPath(new URL('../support/vault-command.js', import.meta.url))
const ROLE = `dsctl-ci-${randomUUID().slice(0, 8)}`

let site: Site
let proxied: ProxiedSite
let bash: Shell
let bob: string

beforeAll(async () => {
  site = await createSite(['members'])
  proxied = await proxySite(site)
  bash = shell({ ...site.env, SALES_PASSWORD: 'marker-password' })
  for (const [name, env, host] of [
    ['Sales', 'production', 'db.example.com'],
    ['Orders', 'dev', 'dev-db.example.com'],
  ] as const) {
    const database = ['--default-database', name.toLowerCase(), '--password', '-']
    const args = ['create', name, '--env', env, '--type', 'mysql', '--host', host, '--username', 'app', ...database]
    const result = await site.dsctl(args, { stdin: 'marker-password' })
    expect(result.code, result.stderr).toBe(0)
  }
})
afterAll(async () => {
  bash?.end()
  proxied?.close()
  await site?.drop()
})

test('The recipes print what the page says', async () => {
  const expected: Example[] = []
  const actual: Example[] = []
  for (const block of BLOCKS) {
    await prepare(block)
    if (block.language !== 'console') continue
    for (const { command, output } of examples(block)) {
      expected.push({ command, output: comparable(output) })
      actual.push({ command, output: comparable(withDocsNames(await bash.run(asUser(block, command)))) })
    }
  }
  expect(actual).toEqual(expected)
}, 240_000)

test.skipIf(!REAL_VAULT)('The CI job logs in with its AppRole and applies the folder', async () => {
  const admin = shell({ VAULT_ADDR: site.vault.addr, VAULT_TOKEN: site.vault.rootToken })
  await admin.run(`vault() { '${process.execPath}' '${VAULT}' "$@"; }`)
  writeFileSync(join(admin.folder, 'dsctl-admin.hcl'), adminPolicy(site.vault.mount))
  const set = BLOCKS.filter(({ marker }) => marker === 'run: root').map(({ text }) => text.replaceAll('dsctl-ci', ROLE))
  for (const text of set) await admin.run(text)
  const [roleId = '', secretId = ''] = (await admin.run('echo "$ROLE_ID $SECRET_ID"')).trim().split(' ')
  admin.end()

  const { variables, script } = parse(markedBlock('file: ci.yaml')).apply
  const names = {
    DATABASE_URL: site.env.DSCTL_DATABASE_URL,
    VAULT_ADDR: site.vault.addr,
    DSCTL_VAULT_MOUNT: site.vault.mount,
  }
  expect(Object.keys(variables)).toEqual(Object.keys(names))
  const job = shell({ ...names, CI: 'true', VAULT_ROLE_ID: roleId, VAULT_SECRET_ID: secretId } as Record<
    string,
    string
  >)
  mkdirSync(join(job.folder, 'sources'))
  const exported = (await site.dsctl(['export', '--env', 'production'])).stdout
  writeFileSync(join(job.folder, 'sources/all.yaml'), exported.replace('port: 3306', 'port: 3307'))
  const lines = (script as string[]).filter(line => !line.startsWith('npm install'))
  const log = await job.run(`sh -e <<'END'\n${lines.join('\n')}\nEND`)
  expect(await job.run('echo $?'), log).toBe('0\n')
  expect(log).toMatch(/~ update Sales \(production\)\n {4}port: 3306 -> 3307\n[\s\S]*1 updated\./)
  job.end()
})

function asUser({ marker }: Block, command: string): string {
  return marker === 'as: bob' ? `VAULT_TOKEN='${bob}' ${command}` : command
}

/** Prepares what the marker of a block says. */
async function prepare({ marker }: Block): Promise<void> {
  if (marker === 'as: bob') {
    const policies = [await site.vault.createPolicy('dsctl-bob', adminPolicy(site.vault.mount))]
    bob = await site.vault.userToken({ email: 'bob@example.com', policies })
  }
  if (marker === 'after: a killed create') await killedCreate()
  if (marker === 'after: a lost secret') await loseSecret('Late')
}

async function killedCreate(): Promise<void> {
  const args = ['create', 'Late', '--env', 'dev', '--type', 'mysql', '--host', 'db.example.com', '--username', 'app']
  let running: Spawned
  killAt(
    proxied,
    { step: { title: 'commit', server: 'postgres', which: /dsctl commit create/ }, when: 'before' },
    () => running.child,
  )
  running = proxied.spawn([...args, '--default-database', 'late', '--password', '-'], { stdin: 'marker-password' })
  await running.result
  await expireLeases(site)
}

async function loseSecret(name: string): Promise<void> {
  const [{ secret_id }] = await site.database.query(
    'SELECT secret_id FROM data_sources WHERE name = $1 AND deleted_at IS NULL',
    [name],
  )
  await site.vault.request('DELETE', `${site.vault.mount}/metadata/data-sources/${secret_id}`)
}

function withDocsNames(output: string): string {
  return output.replaceAll(site.vault.mount, 'secret')
}
