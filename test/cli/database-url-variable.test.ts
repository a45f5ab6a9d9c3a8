import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dsctl, json, jsonError, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// DATABASE_URL is also set for other programs, so it does not always apply.

const STORED = 'postgres://stored.invalid/app'
const OTHER = 'postgres://other.invalid/app'

async function homeWithProfile(values: Readonly<Record<string, string>>): Promise<string> {
  const home = temporaryFolder()
  for (const [key, value] of Object.entries(values)) {
    await dsctl(['config', '--profile', 'prod', 'set', key, value], { home })
  }
  await dsctl(['config', 'use', 'prod'], { home })
  return home
}

/** The URL that applies, and where it comes from. */
async function found(home: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const list = json(await dsctl(['config', 'list', '-o', 'json', ...args], { home, env }))
  const { value, source } = list.find(({ key }: { key: string }) => key === 'database.url')
  return [value, source]
}

describe('DATABASE_URL', () => {
  let home: string
  beforeAll(async () => {
    home = await homeWithProfile({ 'database.url': STORED })
  })

  test('overrides the current profile, but not the one that --profile names', async () => {
    const env = { DATABASE_URL: OTHER }
    expect(await found(home, [], env)).toEqual([OTHER, 'environment DATABASE_URL'])
    expect(await found(home, ['--profile', 'prod'], env)).toEqual([STORED, 'profile prod'])
    expect(await found(home, [], { ...env, DSCTL_PROFILE: 'prod' })).toEqual([OTHER, 'environment DATABASE_URL'])
  })

  test('applies if the named profile has no URL', async () => {
    const empty = await homeWithProfile({ env: 'x' })
    expect(await found(empty, ['--profile', 'prod'], { DATABASE_URL: OTHER })).toEqual([
      OTHER,
      'environment DATABASE_URL',
    ])
  })

  test('is overridden by DSCTL_DATABASE_URL, which also overrides --profile', async () => {
    const env = { DATABASE_URL: OTHER, DSCTL_DATABASE_URL: 'postgres://mine.invalid/app' }
    expect(await found(home, ['--profile', 'prod'], env)).toEqual([
      'postgres://mine.invalid/app',
      'environment DSCTL_DATABASE_URL',
    ])
  })

  test.each([
    'mysql://app@db/x',
    'sqlite:db.sqlite3',
    'sqlite:///db.sqlite3',
    'file:./dev.db',
    'jdbc:postgresql://db/x',
    'postgresql+asyncpg://app@db/x',
    'prisma+postgres://db/x',
    'mongodb+srv://app@db/x',
  ])('is ignored if it is %s', async url => {
    expect(await found(home, [], { DATABASE_URL: url })).toEqual([STORED, 'profile prod'])
  })

  test('is an error if it is a broken Postgres URL, or none at all', async () => {
    for (const DATABASE_URL of ['postgres:/db/x', 'POSTGRES', 'postgres://[::1/x']) {
      const result = await dsctl(['list', '-o', 'json'], {
        home,
        env: { DATABASE_URL, VAULT_ADDR: 'http://127.0.0.1:1' },
      })
      expect(jsonError(result), DATABASE_URL).toMatchObject({ exit_code: 2, fields: [{ field: 'database.url' }] })
    }
  })

  test('of another kind is an error in DSCTL_DATABASE_URL', async () => {
    const VAULT_ADDR = 'http://127.0.0.1:1'
    const own = await dsctl(['list', '-o', 'json'], { env: { DSCTL_DATABASE_URL: 'mysql://app@db/x', VAULT_ADDR } })
    expect(jsonError(own)).toMatchObject({ exit_code: 2, fields: [{ field: 'database.url' }] })
    const ignored = await dsctl(['list', '-o', 'json'], { env: { DATABASE_URL: 'mysql://app@db/x', VAULT_ADDR } })
    expect(jsonError(ignored).message).toContain('DATABASE_URL is ignored')
  })
})

describe('With --profile, a command', () => {
  let acme: Site
  beforeAll(async () => {
    acme = await createSite()
  })
  afterAll(() => acme?.drop())

  test('connects to the database of the profile', async () => {
    const { DSCTL_DATABASE_URL, ...env } = acme.env
    const home = await homeWithProfile({ 'database.url': String(DSCTL_DATABASE_URL) })
    for (const DATABASE_URL of ['mysql://app@db/x', 'postgres://127.0.0.1:1/other']) {
      const result = await dsctl(['list', '--profile', 'prod', '-o', 'json'], { home, env: { ...env, DATABASE_URL } })
      expect(result).toMatchObject({ code: 0, stdout: '[]\n' })
    }
  })
})
