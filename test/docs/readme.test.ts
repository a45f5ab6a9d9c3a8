import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/domain/errors.ts'
import { SETTING_KEYS, type SettingKey } from '../../src/settings/keys.ts'
import { typesTable } from '../../src/source-types/describe.ts'
import { sourceTypes } from '../../src/source-types/index.ts'
import { anchor, between, blocks, type Example, examples, markedBlock, README } from '../support/readme.ts'
import { dsctl, json, jsonError, type RunOptions } from '../support/run.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from '../support/servers.ts'
import { type Shell, shell } from '../support/shell.ts'
import { adminPolicy } from '../support/site.ts'
import type { ScratchVault } from '../support/vault.ts'

// The README is held to what it says: its examples are run in order, as the roles and with the policy it gives, its
// tables are compared with what they were made from.

const READER = 'rita@example.com'

let database: ScratchDatabase
let vault: ScratchVault
let bash: Shell
let owner: { role: string; url: string }
let admin: { role: string; url: string }
let reader: { role: string; url: string }
/** What stands in the README, and what it is on the test's servers. */
let names: readonly (readonly [string, string])[]

beforeAll(async () => {
  ;[database, vault] = await Promise.all([scratchDatabase(), scratchVault()])
  owner = await database.createRole()
  admin = await database.createRole()
  reader = await database.createRole()
  const [{ name }] = await database.query('SELECT current_database() AS name')
  await database.query(`ALTER DATABASE "${name}" OWNER TO "${owner.role}"`)
  names = [
    ['postgres://pg.internal:5432/analytics', withoutUser(database.url)],
    ['https://vault.internal:8200', vault.addr],
    ['--vault-mount secret', `--vault-mount ${vault.mount}`],
    ['app_owner', owner.role],
    ['dsctl_admin', admin.role],
    ['dsctl_reader', reader.role],
    ['ann@localhost', `${userInfo().username}@localhost`],
  ]
  const policy = await vault.createPolicy('readme-admin', adminPolicy(vault.mount))
  bash = shell({
    VAULT_TOKEN: await vault.userToken({ email: 'alice@example.com', policies: [policy] }),
    DSCTL_SECRET_DB_PASSWORD: 'correct horse',
    SALES_PASSWORD: 'battery staple',
  })
  writeFileSync(join(bash.folder, 'production.json'), markedBlock('file: production.json'))
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(bash.folder, 'jump_key'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
})

afterAll(async () => {
  bash?.end()
  await database?.drop()
  await vault?.drop()
})

describe('The examples', () => {
  test('print what they say, run in order with the grants and the policy of the README', async () => {
    const said: Example[] = []
    const printed: Example[] = []
    for (const block of blocks()) {
      if (block.language === 'sql') await database.query(`SET ROLE "${owner.role}";\n${here(block.text)}RESET ROLE`)
      if (block.language !== 'console') continue
      for (const { command, output } of examples(block)) {
        said.push({ command, output: comparable(output) })
        printed.push({ command, output: comparable(await bash.run(here(command))) })
      }
    }
    expect(said.length).toBeGreaterThan(20)
    expect(printed).toEqual(said)
  }, 240_000)

  test('never print a secret', () => {
    expect(README).not.toMatch(/correct horse|battery staple|PRIVATE KEY/)
  })
})

describe('Who may only look', () => {
  let as: RunOptions
  const id = randomUUID()

  beforeAll(async () => {
    const policy = await vault.createPolicy('readme-reader', markedBlock('policy: reader'))
    const token = await vault.userToken({ email: READER, policies: [policy] })
    await addReader(id)
    const servers = { VAULT_ADDR: vault.addr, DSCTL_VAULT_MOUNT: vault.mount, DSCTL_DATABASE_URL: reader.url }
    as = { env: { ...servers, VAULT_TOKEN: token } }
  })

  test('lists data sources, and gets them without their credentials', async () => {
    expect(json(await dsctl(['list', '-o', 'json'], as))).toHaveLength(1)
    const shown = await dsctl(['get', 'Production PostgreSQL', '-o', 'json'], as)
    expect(json(shown)).toMatchObject({ db_type: 'postgres', credentials: null })
    expect(shown.stderr).toBe('dsctl: warning: The credentials are not shown: the Vault token may not read them.\n')
    expect(await readsAudited(id)).toBe(1)
  })

  test('sees by init --check that the database is prepared, and that the mount is not to be seen', async () => {
    const { code, stderr } = await dsctl(['init', '--check'], as)
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `The database is prepared.
Vault answers. Its mount ${vault.mount} cannot be seen with this token, which will do to list and get. Nothing was changed.
`,
    })
  })

  test('may not change anything', async () => {
    const create = ['create', 'X', '--env', 'dev', '--type', 'databricks', '--host', 'x.example.com', '-o', 'json']
    const more = ['--api-key', '-', '--warehouse-id', '1', '--default-catalog', 'main']
    expect(jsonError(await dsctl([...create, ...more], { ...as, stdin: 'key' }))).toMatchObject({ exit_code: 4 })
  })

  test('gets them without the grant for the audit trail too, with a warning', async () => {
    await database.query(`REVOKE INSERT ON dsctl.audit_events FROM "${reader.role}"`)
    const shown = await dsctl(['get', 'Production PostgreSQL', '-o', 'json'], as)
    expect(json(shown)).toMatchObject({ name: 'Production PostgreSQL' })
    expect(shown.stderr).toContain('This read is not in the audit trail')
    expect(await readsAudited(id)).toBe(1)
  })
})

describe('The table', () => {
  test('of types is that of the declarations', () => {
    expect(between('types')).toBe(typesTable(sourceTypes))
  })

  test('of settings is that of the keys', () => {
    expect(between('settings')).toBe(settingsTable(SETTING_KEYS))
  })

  test('of exit codes has every code with its number, its status and its meaning', () => {
    const rows = [...README.matchAll(/^\| (\d+) \| (?:`(\w+)`)? ?\| (\d*) ?\| (.*) \|$/gm)]
    const found = rows.map(([, exit, code, status, meaning]) => [
      code ?? 'done',
      Number(exit),
      status ? Number(status) : undefined,
      meaning,
    ])
    const codes = Object.entries(ERROR_CODES).map(([code, { exit, status, meaning }]) => [code, exit, status, meaning])
    expect(found).toEqual([['done', 0, undefined, 'done, or nothing to do'], ...codes])
  })
})

test('every command in a block that is not run has only flags that its help names', async () => {
  const lines = blocks().flatMap(({ language, text }) =>
    language === 'sh' ? text.replaceAll('\\\n', ' ').match(/\bdsctl [a-z][^|;<>\n]*/g) : [],
  )
  const unknown = await Promise.all((lines ?? []).map(line => unknownFlags(line ?? '')))
  expect(lines.length).toBeGreaterThan(5)
  expect(unknown.flat()).toEqual([])
})

async function unknownFlags(line: string): Promise<string[]> {
  const words = line.trim().split(/\s+/).slice(1)
  const { code, stdout } = await dsctl([...words.filter(word => /^[a-z-]+$/.test(word)).slice(0, 1), '--help'])
  const flags = words.filter(word => /^--?[a-z]/.test(word))
  return code === 0 ? flags.filter(flag => !stdout.includes(`${flag} `) && !stdout.includes(`${flag}, `)) : [line]
}

test('every link inside the README leads to a heading', () => {
  const headings = [...README.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => anchor(title))
  const links = [...README.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link)
  expect(links.length).toBeGreaterThan(5)
  expect(links.filter(link => !headings.includes(link ?? ''))).toEqual([])
})

function settingsTable(keys: readonly SettingKey[]): string {
  const rows = keys.map(({ key, env, flag, default: fallback, description }) => {
    const option = flag ? `, \`--${flag.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}\`` : ''
    const variables = env.map(name => `\`${name}\``).join(', then ')
    return `| \`${key}\` | ${variables}${option} | ${fallback ? `\`${fallback}\`` : ''} | ${description} |`
  })
  return ['| setting | environment, flag | default | |', '| --- | --- | --- | --- |', ...rows, ''].join('\n')
}

/** The README's names as the test's servers have them. */
function here(text: string): string {
  return names.reduce((all, [said, real]) => all.replaceAll(said, real), text)
}

/** What differs from run to run made alike: names, ids, times and how wide a column is. */
function comparable(output: string): string {
  return names
    .reduce((all, [said, real]) => all.replaceAll(real, said), output.replaceAll(vault.mount, 'secret'))
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '(an id)')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '(a time)')
    .replace(/good for (\d+ minutes|1 hour)/g, 'good for (some) minutes')
    .replace(/(\S) {2,}/g, '$1  ')
    .replace(/ +$/gm, '')
}

function withoutUser(text: string): string {
  const url = new URL(text)
  url.username = ''
  return url.href
}

async function addReader(id: string): Promise<void> {
  await database.query('INSERT INTO users (id, email) VALUES ($1, $2)', [id, READER])
  await database.query(
    `INSERT INTO users_to_organizations (user_id, organization_id, role, status)
     SELECT $1, id, 'viewer', 'active' FROM organizations`,
    [id],
  )
}

async function readsAudited(user: string): Promise<number> {
  const events = await database.query(`SELECT FROM dsctl.audit_events WHERE actor_id = $1 AND action = 'get'`, [user])
  return events.length
}
