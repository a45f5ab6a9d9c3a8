import { execFile } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  BIN,
  cleanEnvironment,
  dsctl,
  json,
  jsonError,
  type RunOptions,
  spawnDsctl,
  temporaryFolder,
} from '../support/run.ts'

const FIELDS = ['--type', 'postgres', '--host', 'db.example.com', '--username', 'app', '--default-database', 'main']
/** CI uses 100 in its first run. */
const ROUNDS = Number(process.env.DSCTL_TEST_ROUNDS ?? 20)
const SECRET = 'marker-embedded-password'

/** A new home of the embedded profile, and functions that run dsctl on it. */
function embedded(folder = join(temporaryFolder(), 'data')) {
  const env = { DSCTL_PROFILE: 'embedded', DSCTL_HOME: folder, DSCTL_ENV: 'dev', PASSWORD: SECRET }
  const run = (args: readonly string[], options: RunOptions = {}) =>
    dsctl(args, { ...options, env: { ...env, ...options.env } })
  const create = (name: string, timeout = '10') =>
    run(['create', name, ...FIELDS, '--password', 'env:PASSWORD', '-o', 'json', '--timeout', timeout])
  return { folder, env, run, create, start: (args: readonly string[]) => spawnDsctl(args, { env }) }
}

describe('the embedded profile', () => {
  it('creates, lists, shows, updates and deletes a data source without any server', async () => {
    const { run, create } = embedded()
    const created = json(await create('Sales'))
    expect(created).toMatchObject({
      name: 'Sales',
      db_type: 'postgres',
      created_by: { email: `${userInfo().username}@localhost` },
      credentials: { host: 'db.example.com', port: 5432, password: '[REDACTED]', database: 'main' },
    })
    expect(json(await run(['list', '-o', 'json']))).toEqual([
      expect.objectContaining({ id: created.id, name: 'Sales' }),
    ])
    const updated = json(await run(['update', 'Sales', '--port', '5433', '--set-name', 'Sales EU', '-o', 'json']))
    expect(updated).toMatchObject({ name: 'Sales EU', credentials: { port: 5433, password: '[REDACTED]' } })
    expect(json(await run(['get', created.id, '-o', 'json']))).toEqual(updated)
    expect((await run(['delete', 'Sales EU', '--yes'])).code).toBe(0)
    expect((await run(['get', created.id])).code).toBe(5)
    expect(json(await run(['list', '-o', 'json']))).toEqual([])
  })

  it('keeps each secret encrypted in an age file only its owner can read', async () => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    expect(readdirSync(join(folder, 'secrets'))).toEqual([`${id}.age`])
    expect(readFileSync(join(folder, 'secrets', `${id}.age`), 'latin1')).toMatch(/^age-encryption\.org\/v1\n/)
    for (const path of [`secrets/${id}.age`, 'identity']) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o600)
    expect(filesWith(folder, SECRET)).toEqual([])
    await run(['delete', id, '--yes'])
    expect(readdirSync(join(folder, 'secrets'))).toEqual([])
  })

  // The reader must not hold the lock while it waits for the output of the writer, which needs the lock.
  it('lets one command read what another writes', async () => {
    const { create, env } = embedded()
    await create('Sales')
    const command = `'${process.execPath}' '${BIN}'`
    const pipeline = `${command} export --env dev --to-env test | ${command} apply --timeout 5 -f -`
    const environment = cleanEnvironment({ ...env, DSCTL_SECRET_TEST_SALES_PASSWORD: SECRET }, temporaryFolder())
    const { stderr } = await promisify(execFile)('sh', ['-c', pipeline], { env: environment })
    expect(stderr).toMatch(/1 created\.\n$/)
  })

  it('is used only if it is named', async () => {
    const folder = join(temporaryFolder(), 'data')
    const result = await dsctl(['list'], { env: { DSCTL_HOME: folder } })
    expect(result.code).toBe(2)
    expect(result.stderr).toContain('dsctl init')
    expect(existsSync(folder)).toBe(false)
  })

  it('rejects --user, since it uses the operating system’s user', async () => {
    const { run } = embedded()
    const refused = await run(['list', '--user', 'someone@example.com'])
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('--user is refused')
  })

  it('does not mention Vault or a token', async () => {
    const { run } = embedded()
    const check = await run(['init', '--check'])
    expect(check).toMatchObject({ code: 0, stderr: expect.stringContaining('No Vault is needed') })
    expect((await run(['whoami'])).stdout).not.toContain('Token')
    for (const command of ['login', 'logout']) {
      expect(await run([command])).toMatchObject({ code: 2, stderr: expect.stringContaining('does not use Vault') })
    }
  })

  it('reports conflicts, missing names and invalid values as servers do', async () => {
    const { create, run } = embedded()
    await create('Sales')
    expect((await create('Sales')).code).toBe(6)
    expect((await run(['get', 'Nothing'])).code).toBe(5)
    expect((await run(['update', 'Sales', '--port', '70000'])).code).toBe(2)
  })
})

describe('two concurrent commands on one home', () => {
  it(`lose nothing in ${ROUNDS} creates`, async () => {
    const { create, run, folder } = embedded()
    await run(['list'])
    const names = Array.from({ length: ROUNDS }, (_, n) => `source ${n}`)
    const remaining = [...names]
    const worker = async () => {
      for (let name = remaining.shift(); name !== undefined; name = remaining.shift()) {
        const result = await create(name, '60')
        expect(result, result.stderr).toMatchObject({ code: 0 })
      }
    }
    await Promise.all([worker(), worker()])
    const listed = json(await run(['list', '--all', '-o', 'json']))
    expect(listed.map(({ name }: { name: string }) => name).toSorted()).toEqual(names.toSorted())
    expect(readdirSync(join(folder, 'secrets'))).toHaveLength(ROUNDS)
  }, 300_000)

  it('wait for each other, report it, and time out', async () => {
    const { run, start } = embedded()
    await run(['list'])
    const holder = start(['list', '-v'])
    await stopOnceOpen(holder.child.pid ?? 0, holder.stderr)
    const second = await run(['list', '--timeout', '2'])
    holder.child.kill('SIGCONT')
    expect(second.code).toBe(7)
    expect(second.stderr).toContain('Waiting for another dsctl')
    expect(second.stderr).toContain('Timed out after 2 seconds')
    expect((await holder.result).code).toBe(0)
    expect((await run(['list'])).code).toBe(0)
  })
})

describe('a home after a failure', () => {
  it('opens after kill -9 at any time, with a secret for every record', async () => {
    const { create, run, start, folder } = embedded()
    for (let wait = 100; wait <= 2000; wait += 100) {
      const args = ['create', `killed after ${wait}`, ...FIELDS, '--password', 'env:PASSWORD']
      const { child, result } = start(args)
      setTimeout(() => child.kill('SIGKILL'), wait)
      await result
    }
    expect(await create('afterwards')).toMatchObject({ code: 0 })
    const listed: { id: string }[] = json(await run(['list', '--all', '-o', 'json']))
    for (const { id } of listed) {
      expect(json(await run(['get', id, '-o', 'json'])).credentials).toMatchObject({ password: '[REDACTED]' })
    }
    // Only a secret whose intent is not settled yet may lack a record.
    const orphans = readdirSync(join(folder, 'secrets')).filter(name => !listed.some(({ id }) => `${id}.age` === name))
    expect(orphans.filter(name => !name.endsWith('.tmp')).length).toBeLessThanOrEqual(20)
  }, 120_000)

  it('opens if a killed process left a corrupt or empty Postgres lock file', async () => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    for (const content of ['', 'x']) {
      writeFileSync(join(folder, 'data/postmaster.pid'), content)
      expect(json(await run(['list', '-o', 'json'])), content).toMatchObject([{ id }])
    }
  })

  it('has each interrupted operation done or not, as the exit code says', async () => {
    const { run, create, start, folder } = embedded()
    expect((await create('Kept')).code).toBe(0)
    const readState = async () => {
      const names: string[] = json(await run(['list', '-o', 'json'])).map(({ name }: { name: string }) => name)
      const kept = names.find(name => name !== 'New')
      const port = kept && json(await run(['get', kept, '-o', 'json'])).credentials.port
      return { names: names.toSorted(), port }
    }
    let before = await readState()
    for (const [step, signal, exit, args] of [
      ['begin create', 'SIGINT', 130, ['create', 'New', ...FIELDS, '--password', 'env:PASSWORD']],
      ['begin update', 'SIGTERM', 143, ['update', 'Kept', '--port', '7000', '--set-name', 'Changed']],
      ['begin delete', 'SIGINT', 130, ['delete', ...before.names, '--yes']],
    ] as const) {
      const { child, result, stderr } = start([...args, '-v'])
      let sent = false
      child.stderr?.on('data', () => {
        if (sent || !stderr().includes(step)) return
        sent = child.kill(signal)
      })
      const { code } = await result
      expect(sent, stderr()).toBe(true)
      expect([0, exit], stderr()).toContain(code)
      const after = await readState()
      const changed = step.startsWith('update')
        ? { names: after.names, port: 7000 }
        : { names: after.names, port: after.port }
      expect(after).toEqual(code === exit ? before : changed)
      expect(JSON.stringify(after) === JSON.stringify(before), stderr()).toBe(code === exit)
      expect(readdirSync(join(folder, 'secrets'))).toHaveLength(after.names.length)
      before = after
    }
    expect(await run(['doctor'])).toMatchObject({ code: 0 })
  }, 180_000)

  const damage: [string, (folder: string, id: string) => void, string][] = [
    ['a corrupt secret file', (folder, id) => writeFileSync(join(folder, 'secrets', `${id}.age`), 'x'), 'secrets'],
    ['a missing identity file', folder => rmSync(join(folder, 'identity')), 'identity'],
    ['a corrupt identity file', folder => writeFileSync(join(folder, 'identity'), 'x'), 'identity'],
    ['a missing database', folder => rmSync(join(folder, 'data'), { recursive: true }), 'data'],
    ['a corrupt database', folder => writeFileSync(join(folder, 'data/global/pg_control'), 'x'), 'data'],
    ['a corrupt format file', folder => writeFileSync(join(folder, 'format.json'), '{'), 'format.json'],
    ['a missing format file', folder => rmSync(join(folder, 'format.json')), 'format.json'],
    ['an identity that others may read', folder => chmodSync(join(folder, 'identity'), 0o644), 'identity'],
    ['a folder that others may read', folder => chmodSync(folder, 0o755), ''],
  ]
  it.each(damage)('reports %s with a hint, and changes nothing', async (_, damageHome, path) => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    damageHome(folder, id)
    const before = secretsIn(folder)
    const result = await run(['get', id, '-o', 'json'])
    expect([2, 7]).toContain(result.code)
    const error = jsonError(result)
    expect(error.message).toContain(join(folder, path).replace(/\/$/, ''))
    expect(error.hint).toBeTruthy()
    expect(result.stderr).not.toContain(SECRET)
    expect(secretsIn(folder)).toEqual(before)
  })

  it('reports a missing secret file, and how to restore it', async () => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    rmSync(join(folder, 'secrets', `${id}.age`))
    const result = await run(['get', id, '-o', 'json'])
    expect(json(result).credentials).toBeNull()
    expect(result.stderr).toContain(`dsctl update ${id}`)
    const repaired = await run(['update', id, ...FIELDS.slice(2), '--password', 'env:PASSWORD', '-o', 'json'])
    expect(json(repaired).credentials).toMatchObject({ host: 'db.example.com', password: '[REDACTED]' })
  })

  it('rejects a home or a database of a newer version', async () => {
    for (const [path, content] of [
      ['format.json', '{"version": 99, "postgres": "18"}'],
      ['data/PG_VERSION', '99\n'],
    ] as const) {
      const { folder, create, run } = embedded()
      await create('Sales')
      writeFileSync(join(folder, path), content)
      const result = await run(['list'])
      expect(result.code).toBe(2)
      expect(result.stderr).toContain('newer dsctl')
    }
  })

  it('reports a folder that cannot be created', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    const { run } = embedded(join(folder, 'file', 'home'))
    const result = await run(['list'])
    expect(result.code).toBe(7)
    expect(result.stderr).toContain('DSCTL_HOME')
  })
})

/** Suspends a process (as Ctrl-Z does) once it has opened the database, and so holds the lock. */
async function stopOnceOpen(pid: number, stderr: () => string): Promise<void> {
  while (!stderr().includes('postgres list')) await new Promise(resolve => setTimeout(resolve, 5))
  process.kill(pid, 'SIGSTOP')
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
}

function secretsIn(folder: string): string[] {
  return readdirSync(join(folder, 'secrets')).map(name => readFileSync(join(folder, 'secrets', name), 'latin1'))
}

function filesWith(folder: string, text: string): string[] {
  const files = filesIn(folder).map(name => join(folder, name))
  return files.filter(path => statSync(path).isFile() && readFileSync(path, 'latin1').includes(text))
}
