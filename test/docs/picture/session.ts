import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../support/run.ts'
import type { Site } from '../../support/site.ts'
import { type TerminalOptions, terminal } from '../../support/terminal.ts'

export const COLUMNS = 96

const HOSTS = fileURLToPath(new URL('example-hosts.cjs', import.meta.url))

/** Appended to the file that is applied. */
const EVENTS = `---
name: Events
env: production
type: databricks
host: acme.cloud.databricks.com
api_key: { from: "env:DSCTL_SECRET_EVENTS_KEY" }
warehouse_id: "1234567890abcdef"
default_catalog: main
`

/** Runs the commands of the picture in pseudo-terminals and returns what was typed and printed, with its colours. */
export async function recordSession(site: Site): Promise<string> {
  const server = await exampleServer(site)
  await createWarehouse(site, server)
  const cwd = temporaryFolder()
  const options: TerminalOptions = {
    cwd,
    home: site.home,
    columns: COLUMNS,
    env: { ...site.env, NODE_OPTIONS: `--require=${HOSTS}`, DSCTL_SECRET_EVENTS_KEY: 'example' },
  }
  const shown: string[] = []
  const show = async (words: readonly string[], answers: Answers = []) => {
    const screen = terminal(words, options)
    for (const [question, typed] of answers) {
      await screen.waitFor(question)
      screen.type(typed)
    }
    await screen.exit
    shown.push(`\u001b[34m$\u001b[39m \u001b[1mdsctl ${words.join(' ')}\u001b[22m\r\n${screen.raw()}`)
  }
  await show(['create'], wizardAnswers(server))
  await show(['list'])
  await show(['test', '--all'])
  const { stdout } = await site.dsctl(['export', '--env', 'production'])
  writeFileSync(
    join(cwd, 'sources.yaml'),
    `${stdout.replace('default_schema: public', 'default_schema: sales')}${EVENTS}`,
  )
  await show(['diff', '-f', 'sources.yaml'])
  await show(['apply', '-f', 'sources.yaml'])
  return comparable(shown.join('\r\n'), server)
}

type Answers = readonly (readonly [question: string | RegExp, typed: string])[]

interface Server {
  readonly port: string
  readonly user: string
  readonly database: string
}

function wizardAnswers({ port, user, database }: Server): Answers {
  return [
    ['Type', 'postgres'],
    [/PostgreSQL \(postgres\)\s*$/m, '\n'],
    ['Name:', 'Sales\n'],
    ['Env:', 'production\n'],
    ['Host:', 'db.example.com\n'],
    ['Port:', `${port}\n`],
    ['Username:', `${user}\n`],
    ['Password', 'example\n'],
    ['Default database:', `${database}\n`],
    ['Default schema', 'public\n'],
    ['jump host?', '\n'],
    ['More settings?', '\n'],
    ['Save this data source?', '\n'],
  ]
}

/** The database server of the test's site, which accepts any password. */
async function exampleServer({ database }: Site): Promise<Server> {
  const { role, url } = await database.createRole()
  const { port, pathname } = new URL(url)
  return { port: port || '5432', user: role, database: pathname.slice(1) }
}

/** A data source whose database does not exist. */
async function createWarehouse(site: Site, { port, user }: Server): Promise<void> {
  const request = {
    ...{ name: 'Warehouse', env: 'production', type: 'postgres', host: 'db.example.com', port: Number(port) },
    ...{ username: user, password: 'example', default_database: 'warehouse' },
  }
  const { code, stderr } = await site.dsctl(['create', '-f', '-'], { stdin: JSON.stringify(request) })
  if (code !== 0) throw new Error(`The data source was not created:\n${stderr}`)
}

/** The session with the same names, ids, durations and versions each time. */
function comparable(session: string, { port, user, database }: Server): string {
  return withExampleIds(session)
    .replaceAll(user, 'app')
    .replaceAll(database, 'sales')
    .replaceAll(port, '5432')
    .replace(/PostgreSQL \d.*(?=\.\r)/g, 'PostgreSQL 17.6')
    .replace(/(MS(?:\S*m)?) +(?=\S*MESSAGE)/, '$1  ')
    .replace(/\d+ +(?=(Connected|The server))/g, '42  ')
}

/** Replaces each id with the same example in each session. */
function withExampleIds(text: string): string {
  const seen: string[] = []
  return text.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, id => {
    if (!seen.includes(id)) seen.push(id)
    const digits = createHash('md5')
      .update(`${seen.indexOf(id)}`)
      .digest('hex')
    return id.replace(/[0-9a-f]/g, (_, at: number) => digits[at % 32] ?? '0')
  })
}
