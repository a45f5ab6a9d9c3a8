import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { embeddedHome, FIELDS, SECRET } from '../support/embedded-home.ts'
import { json, jsonError, temporaryFolder } from '../support/run.ts'

/** CI uses 100 in its first run. */
const ROUNDS = Number(process.env.DSCTL_TEST_ROUNDS ?? 20)

describe('two concurrent commands on one home', () => {
  it(`lose nothing in ${ROUNDS} creates`, async () => {
    const { create, run, folder } = embeddedHome()
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
})

describe('a home after a failure', () => {
  it('opens after kill -9 at any time, with a secret for every record', async () => {
    const { create, run, start, folder } = embeddedHome()
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
    const { folder, create, run } = embeddedHome()
    const { id } = json(await create('Sales'))
    for (const content of ['', 'x']) {
      writeFileSync(join(folder, 'data/postmaster.pid'), content)
      expect(json(await run(['list', '-o', 'json'])), content).toMatchObject([{ id }])
    }
  })

  it('has each interrupted operation done or not, as the exit code says', async () => {
    const { run, create, start, folder } = embeddedHome()
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
    const { folder, create, run } = embeddedHome()
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
    const { folder, create, run } = embeddedHome()
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
      const { folder, create, run } = embeddedHome()
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
    const { run } = embeddedHome(join(folder, 'file', 'home'))
    const result = await run(['list'])
    expect(result.code).toBe(7)
    expect(result.stderr).toContain('DSCTL_HOME')
  })
})

function secretsIn(folder: string): string[] {
  return readdirSync(join(folder, 'secrets')).map(name => readFileSync(join(folder, 'secrets', name), 'latin1'))
}
