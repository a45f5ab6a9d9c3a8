import { afterAll, beforeAll, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/domain/errors.ts'
import { type MutatingProxy, mutatingProxy } from '../support/mutating-proxy.ts'
import { json } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// Servers whose answers are changed at random. DSCTL_TEST_STREAMS says how many streams to try, DSCTL_TEST_SEED from
// which seed on: a failure names its seed.

const STREAMS = Number(process.env.DSCTL_TEST_STREAMS ?? 200)
const FIRST_SEED = Number(process.env.DSCTL_TEST_SEED ?? Date.now() % 1e9)
const SEEDS = Array.from({ length: STREAMS }, (_, index) => FIRST_SEED + index)
const EXITS: readonly (number | null)[] = [0, ...Object.values(ERROR_CODES).map(({ exit }) => exit)]

const CREDENTIALS = { type: 'mysql', host: 'h.example.com', username: 'u', password: 'p', default_database: 'd' }
const SALES = JSON.stringify({ name: 'Sales', env: 'dev', ...CREDENTIALS })

let site: Site
let postgres: MutatingProxy
let vault: MutatingProxy

beforeAll(async () => {
  site = await createSite()
  await site.dsctl(['create', '-f', '-'], { stdin: SALES })
  postgres = await mutatingProxy(addressOf(site.env.DSCTL_DATABASE_URL))
  vault = await mutatingProxy(addressOf(site.env.VAULT_ADDR))
})
afterAll(() => {
  postgres?.close()
  vault?.close()
  return site?.drop()
})

function addressOf(url = ''): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port || 5432) }
}

function through(proxy: MutatingProxy, url = ''): string {
  const changed = new URL(url)
  changed.host = `127.0.0.1:${proxy.port}`
  return changed.href
}

const COMMANDS: readonly (readonly string[])[] = [
  ['list'],
  ['get', 'Sales'],
  ['audit'],
  ['doctor'],
  ['whoami'],
  ['member', 'list'],
  ['update', 'Sales', '--host', 'other.example.com'],
  ['onboarding', 'Sales', 'in_progress'],
]

async function expectPlainEnd(seed: number, env: Record<string, string>): Promise<void> {
  const command = COMMANDS[seed % COMMANDS.length] ?? []
  const { code, stderr } = await site.dsctl([...command, '--timeout', '1'], { env })
  const ended = EXITS.includes(code) && !stderr.includes('bug in dsctl')
  expect(ended ? 'plain' : stderr, `DSCTL_TEST_SEED=${seed} (${command.join(' ')}) ended with ${code}`).toBe('plain')
}

test('a Postgres with changed answers ends no command with a bug', { timeout: 7_200_000 }, async () => {
  const env = { DSCTL_DATABASE_URL: through(postgres, site.env.DSCTL_DATABASE_URL) }
  for (const seed of SEEDS) {
    postgres.use(seed)
    await expectPlainEnd(seed, env)
  }
})

test('a Vault with changed answers ends no command with a bug', { timeout: 7_200_000 }, async () => {
  const env = { VAULT_ADDR: through(vault, site.env.VAULT_ADDR) }
  for (const seed of SEEDS) {
    vault.use(seed)
    await expectPlainEnd(seed, env)
  }
})

test('the data source is still complete', async () => {
  const found = json(await site.dsctl(['get', 'Sales', '-o', 'json']))
  expect(found.credentials).toMatchObject({ username: 'u', password: '[REDACTED]' })
})
