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
/** CI has its first run do a hundred. */
const ROUNDS = Number(process.env.DSCTL_TEST_ROUNDS ?? 20)
const SECRET = 'marker-embedded-password'

/** A home of the embedded profile, and dsctl on it. */
function embedded(folder = join(temporaryFolder(), 'data')) {
  const env = { DSCTL_PROFILE: 'embedded', DSCTL_HOME: folder, DSCTL_ENV: 'dev', PASSWORD: SECRET }
  const run = (args: readonly string[], options: RunOptions = {}) =>
    dsctl(args, { ...options, env: { ...env, ...options.env } })
  const create = (name: string, timeout = '10') =>
    run(['create', name, ...FIELDS, '--password', 'env:PASSWORD', '-o', 'json', '--timeout', timeout])
  return { folder, env, run, create, start: (args: readonly string[]) => spawnDsctl(args, { env }) }
}

describe('the embedded profile', () => {
  it('creates, lists, shows, updates and deletes a data source with no server at all', async () => {
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

  it('keeps each secret in one age file of its owner’s alone, and no secret anywhere in the clear', async () => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    expect(readdirSync(join(folder, 'secrets'))).toEqual([`${id}.age`])
    expect(readFileSync(join(folder, 'secrets', `${id}.age`), 'latin1')).toMatch(/^age-encryption\.org\/v1\n/)
    for (const path of [`secrets/${id}.age`, 'identity']) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o600)
    expect(filesWith(folder, SECRET)).toEqual([])
    await run(['delete', id, '--yes'])
    expect(readdirSync(join(folder, 'secrets'))).toEqual([])
  })

  // The one must not wait with the lock for what the other, who needs the lock, is still to write.
  it('lets one command read what another one writes', async () => {
    const { create, env } = embedded()
    await create('Sales')
    const both = `'${process.execPath}' '${BIN}'`
    const piped = `${both} export --env dev --to-env test | ${both} apply --timeout 5 -f -`
    const all = cleanEnvironment({ ...env, DSCTL_SECRET_TEST_SALES_PASSWORD: SECRET }, temporaryFolder())
    const { stderr } = await promisify(execFile)('sh', ['-c', piped], { env: all })
    expect(stderr).toMatch(/1 created\.\n$/)
  })

  it('is used only where it is named', async () => {
    const folder = join(temporaryFolder(), 'data')
    const result = await dsctl(['list'], { env: { DSCTL_HOME: folder } })
    expect(result.code).toBe(2)
    expect(result.stderr).toContain('dsctl init')
    expect(existsSync(folder)).toBe(false)
  })

  it('refuses --user, since the user is the operating system’s', async () => {
    const { run } = embedded()
    const refused = await run(['list', '--user', 'someone@example.com'])
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('--user is refused')
  })

  it('speaks of no Vault and no token, since it has neither', async () => {
    const { run } = embedded()
    const check = await run(['init', '--check'])
    expect(check).toMatchObject({ code: 0, stderr: expect.stringContaining('No Vault is needed') })
    expect((await run(['whoami'])).stdout).not.toContain('Token')
    for (const command of ['login', 'logout']) {
      expect(await run([command])).toMatchObject({ code: 2, stderr: expect.stringContaining('does not use Vault') })
    }
  })

  it('says what is taken, missing and wrong as it does on servers', async () => {
    const { create, run } = embedded()
    await create('Sales')
    expect((await create('Sales')).code).toBe(6)
    expect((await run(['get', 'Nothing'])).code).toBe(5)
    expect((await run(['update', 'Sales', '--port', '70000'])).code).toBe(2)
  })
})

describe('two commands at once on one home', () => {
  it(`lose nothing in ${ROUNDS} creates`, async () => {
    const { create, run, folder } = embedded()
    await run(['list'])
    const names = Array.from({ length: ROUNDS }, (_, n) => `source ${n}`)
    const left = [...names]
    const worker = async () => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) {
        const result = await create(name, '60')
        expect(result, result.stderr).toMatchObject({ code: 0 })
      }
    }
    await Promise.all([worker(), worker()])
    const listed = json(await run(['list', '--all', '-o', 'json']))
    expect(listed.map(({ name }: { name: string }) => name).toSorted()).toEqual(names.toSorted())
    expect(readdirSync(join(folder, 'secrets'))).toHaveLength(ROUNDS)
  }, 300_000)

  it('wait for each other, say so after a second, and give up after the time-out', async () => {
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

describe('a home after bad luck', () => {
  it('opens again after kill -9 at any moment, the first use included, and has every record with its secret', async () => {
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
    // A secret without a record is one whose intent still waits to be settled; nothing else may be there.
    const left = readdirSync(join(folder, 'secrets')).filter(name => !listed.some(({ id }) => `${id}.age` === name))
    expect(left.filter(name => !name.endsWith('.tmp')).length).toBeLessThanOrEqual(20)
  }, 120_000)

  it('opens where a killed process has left the lock file of its Postgres empty, or with anything in it', async () => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    for (const left of ['', 'x']) {
      writeFileSync(join(folder, 'data/postmaster.pid'), left)
      expect(json(await run(['list', '-o', 'json'])), left).toMatchObject([{ id }])
    }
  })

  it('by a signal has each operation wholly done or not at all, and the exit code says which', async () => {
    const { run, create, start, folder } = embedded()
    expect((await create('Kept')).code).toBe(0)
    const found = async () => {
      const names: string[] = json(await run(['list', '-o', 'json'])).map(({ name }: { name: string }) => name)
      const kept = names.find(name => name !== 'New')
      const port = kept && json(await run(['get', kept, '-o', 'json'])).credentials.port
      return { names: names.toSorted(), port }
    }
    let before = await found()
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
      const after = await found()
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
  it.each(damage)('names %s, says what to do, and changes nothing', async (_, spoil, named) => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    spoil(folder, id)
    const before = secretsIn(folder)
    const result = await run(['get', id, '-o', 'json'])
    expect([2, 7]).toContain(result.code)
    const error = jsonError(result)
    expect(error.message).toContain(join(folder, named).replace(/\/$/, ''))
    expect(error.hint).toBeTruthy()
    expect(result.stderr).not.toContain(SECRET)
    expect(secretsIn(folder)).toEqual(before)
  })

  it('tells a secret file that is missing, and how to write it anew', async () => {
    const { folder, create, run } = embedded()
    const { id } = json(await create('Sales'))
    rmSync(join(folder, 'secrets', `${id}.age`))
    const result = await run(['get', id, '-o', 'json'])
    expect(json(result).credentials).toBeNull()
    expect(result.stderr).toContain(`dsctl update ${id}`)
    const repaired = await run(['update', id, ...FIELDS.slice(2), '--password', 'env:PASSWORD', '-o', 'json'])
    expect(json(repaired).credentials).toMatchObject({ host: 'db.example.com', password: '[REDACTED]' })
  })

  it('refuses a home, and a database, of a newer version', async () => {
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

  it('says that a folder which cannot be made cannot be used', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    const { run } = embedded(join(folder, 'file', 'home'))
    const result = await run(['list'])
    expect(result.code).toBe(7)
    expect(result.stderr).toContain('DSCTL_HOME')
  })
})

/** Stops a process (as Ctrl-Z does) once it has opened the database, and so has the lock. */
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
