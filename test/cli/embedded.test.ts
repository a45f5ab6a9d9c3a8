import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { embeddedHome, SECRET } from '../support/embedded-home.ts'
import { BIN, cleanEnvironment, dsctl, json, temporaryFolder } from '../support/run.ts'

describe('the embedded profile', () => {
  it('creates, lists, shows, updates and deletes a data source without any server', async () => {
    const { run, create } = embeddedHome()
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
    const { folder, create, run } = embeddedHome()
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
    const { create, env } = embeddedHome()
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
    const { run } = embeddedHome()
    const refused = await run(['list', '--user', 'someone@example.com'])
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('--user is refused')
  })

  it('does not mention Vault or a token', async () => {
    const { run } = embeddedHome()
    const check = await run(['init', '--check'])
    expect(check).toMatchObject({ code: 0, stderr: expect.stringContaining('No Vault is needed') })
    expect((await run(['whoami'])).stdout).not.toContain('Token')
    for (const command of ['login', 'logout']) {
      expect(await run([command])).toMatchObject({ code: 2, stderr: expect.stringContaining('does not use Vault') })
    }
  })

  it('reports conflicts, missing names and invalid values as servers do', async () => {
    const { create, run } = embeddedHome()
    await create('Sales')
    expect((await create('Sales')).code).toBe(6)
    expect((await run(['get', 'Nothing'])).code).toBe(5)
    expect((await run(['update', 'Sales', '--port', '70000'])).code).toBe(2)
  })
})

describe('two concurrent commands on one home', () => {
  it('wait for each other, report it, and time out', async () => {
    const { run, start } = embeddedHome()
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

/** Suspends a process (as Ctrl-Z does) once it has opened the database, and so holds the lock. */
async function stopOnceOpen(pid: number, stderr: () => string): Promise<void> {
  while (!stderr().includes('postgres list')) await new Promise(resolve => setTimeout(resolve, 5))
  process.kill(pid, 'SIGSTOP')
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
}

function filesWith(folder: string, text: string): string[] {
  const files = filesIn(folder).map(name => join(folder, name))
  return files.filter(path => statSync(path).isFile() && readFileSync(path, 'latin1').includes(text))
}
