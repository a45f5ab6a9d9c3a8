import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocks, comparable, type Example, examples, getPage, markedBlock, PAGES } from '../support/docs.ts'
import { dsctl, json, jsonError, type RunOptions } from '../support/run.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from '../support/servers.ts'
import { type Shell, shell } from '../support/shell.ts'
import { adminPolicy } from '../support/site.ts'
import type { ScratchVault } from '../support/vault.ts'

// Runs the examples of the docs in one session, page after page, with the grants and the policies that the docs give.

/** The pages with examples, in the order in which they are run. recipes.test.ts runs those of docs/recipes.md. */
const SESSION = ['README', 'docs/setup-servers', 'docs/tour', 'docs/many-at-once', 'docs/scripting', 'docs/reliability']

const READER = 'rita@example.com'

let database: ScratchDatabase
let vault: ScratchVault
let bash: Shell
let owner: { role: string; url: string }
let admin: { role: string; url: string }
let reader: { role: string; url: string }
/** Names in the docs, and what they are on the test's servers. */
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
  test('print what the docs say', async () => {
    const expected: Example[] = []
    const actual: Example[] = []
    for (const block of SESSION.flatMap(name => blocks(getPage(`${name}.md`)))) {
      if (block.language === 'sql')
        await database.query(`SET ROLE "${owner.role}";\n${onServers(block.text)}RESET ROLE`)
      if (block.language !== 'console') continue
      for (const { command, output } of examples(block)) {
        expected.push({ command, output: comparable(output) })
        actual.push({ command, output: comparable(withDocsNames(await bash.run(onServers(command)))) })
      }
    }
    expect(expected.length).toBeGreaterThan(20)
    expect(actual).toEqual(expected)
  }, 240_000)

  test('never print a secret', () => {
    for (const { text } of PAGES) expect(text).not.toMatch(/correct horse|battery staple|PRIVATE KEY/)
  })

  test('are all run', () => {
    const pages = PAGES.filter(({ text }) => blocks(text).some(({ language }) => language === 'console'))
    const run = [...SESSION, 'docs/recipes'].map(name => `${name}.md`)
    expect(pages.map(({ path }) => path).sort()).toEqual(run.sort())
  })
})

describe('A viewer with the reader’s policy and grants', () => {
  let as: RunOptions
  const id = randomUUID()

  beforeAll(async () => {
    const policy = await vault.createPolicy('readme-reader', markedBlock('policy: reader'))
    const token = await vault.userToken({ email: READER, policies: [policy] })
    await addReader(id)
    const servers = { VAULT_ADDR: vault.addr, DSCTL_VAULT_MOUNT: vault.mount, DSCTL_DATABASE_URL: reader.url }
    as = { env: { ...servers, VAULT_TOKEN: token } }
  })

  test('lists data sources and gets them without their credentials', async () => {
    expect(json(await dsctl(['list', '-o', 'json'], as))).toHaveLength(1)
    const shown = await dsctl(['get', 'Production PostgreSQL', '-o', 'json'], as)
    expect(json(shown)).toMatchObject({ db_type: 'postgres', credentials: null })
    expect(JSON.parse(shown.stderr)).toEqual({
      warnings: ['The credentials are not shown: the Vault token is not allowed to read them.'],
    })
    expect(await readsAudited(id)).toBe(1)
  })

  test('learns from init --check that the mount is hidden', async () => {
    const { code, stderr } = await dsctl(['init', '--check'], as)
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `The database is ready.
Vault is reachable, but this token cannot see the mount ${vault.mount}. list works, and get works without credentials. Nothing was changed.
`,
    })
  })

  test('cannot change anything', async () => {
    const create = ['create', 'X', '--env', 'dev', '--type', 'databricks', '--host', 'x.example.com', '-o', 'json']
    const more = ['--api-key', '-', '--warehouse-id', '1', '--default-catalog', 'main']
    expect(jsonError(await dsctl([...create, ...more], { ...as, stdin: 'key' }))).toMatchObject({ exit_code: 4 })
  })

  test('gets them with a warning if the audit grant is missing', async () => {
    await database.query(`REVOKE INSERT ON dsctl.audit_events FROM "${reader.role}"`)
    const shown = await dsctl(['get', 'Production PostgreSQL', '-o', 'json'], as)
    expect(json(shown)).toMatchObject({ name: 'Production PostgreSQL' })
    expect(shown.stderr).toContain('This read is not in the audit trail')
    expect(await readsAudited(id)).toBe(1)
  })
})

/** Text with the names of the test's servers. */
function onServers(text: string): string {
  return names.reduce((all, [inDocs, onServer]) => all.replaceAll(inDocs, onServer), text)
}

/** Output with the names in the docs. */
function withDocsNames(output: string): string {
  return names.reduce(
    (all, [inDocs, onServer]) => all.replaceAll(onServer, inDocs),
    output.replaceAll(vault.mount, 'secret'),
  )
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
