import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BIN, type RunResult, spawnNode, temporaryFolder } from '../support/run.ts'

// Disks that are full or read-only, as file systems of a mount namespace of their own: no other process sees them.
// Linux lets root make one, and most others where user namespaces are allowed.

const MAY_MOUNT = process.platform === 'linux' && spawnSync('unshare', ['-rm', 'true']).status === 0
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Processes that share a mount namespace with one that holds it open. */
async function namespace() {
  const holder = spawn('unshare', ['-rm', 'sh', '-c', 'echo ready; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(holder.stdout, 'data')
  const inside = (command: readonly string[]) => [
    '-t',
    String(holder.pid),
    '-U',
    '-m',
    '--preserve-credentials',
    ...command,
  ]
  return {
    shell(script: string, ...args: string[]): string {
      const { status, stdout, stderr } = spawnSync('nsenter', inside(['sh', '-ec', script, 'sh', ...args]), {
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`${script} ended with ${status}: ${stderr}`)
      return stdout
    },
    dsctl(args: readonly string[], env: Record<string, string>, bin = BIN): Promise<RunResult> {
      const command = inside([process.execPath, bin, ...args])
      return spawnNode(['-e', SPAWN, '--', ...command], { env, timeout: 60_000 }).result
    },
    close: () => holder.kill('SIGKILL'),
  }
}

/** Node, so that the tests' own way of starting a process starts nsenter too. */
const SPAWN = `const { status } = require('node:child_process').spawnSync('nsenter', process.argv.slice(1), { stdio: 'inherit' })
process.exitCode = status`

const FIELDS = ['--env', 'dev', '--type', 'postgres', '--host', 'db.example.com', '--username', 'app']
const create = (name: string) => [
  'create',
  name,
  ...FIELDS,
  '--password',
  'env:PASSWORD',
  '--default-database',
  'main',
  '-o',
  'json',
]

describe.skipIf(!MAY_MOUNT)('A disk', () => {
  let space: Awaited<ReturnType<typeof namespace>>
  let disk: string
  let env: Record<string, string>

  beforeAll(async () => {
    space = await namespace()
    disk = temporaryFolder()
    space.shell('mount -t tmpfs -o size=128m tmpfs "$1"', disk)
    env = { DSCTL_PROFILE: 'embedded', DSCTL_HOME: join(disk, 'data'), PASSWORD: 'marker-password' }
  })
  afterAll(() => space?.close())

  test('a full disk during the first use does not break the next use', async () => {
    space.shell('head -c 96m /dev/zero > "$1/filler"', disk)
    const result = await space.dsctl(create('First'), env)
    expect(result).toMatchObject({ code: 7, stdout: '', stderr: expect.stringContaining('disk is full') })
    space.shell('rm "$1/filler"', disk)
    expect(await space.dsctl(create('First'), env)).toMatchObject({ code: 0, stderr: '' })
  })

  test('a full disk during a create leaves all of it or nothing', async () => {
    const codes: (number | null)[] = []
    for (const free of [0, 8, 128, 2048]) {
      space.shell('dd if=/dev/zero of="$1/filler" bs=1k 2>/dev/null || truncate -s -"$2" "$1/filler"', disk, `${free}K`)
      const name = `With ${free} KiB free`
      const result = await space.dsctl(create(name), env)
      codes.push(result.code)
      space.shell('rm "$1/filler"', disk)
      if (result.code !== 0)
        expect(result, name).toMatchObject({ code: 7, stdout: '', stderr: expect.stringMatching(/full/) })
      const names = (await space.dsctl(['list', '--all', '-o', 'name'], env)).stdout.split('\n')
      expect(names).toContain('First')
      expect(names.includes(name), name).toBe(result.code === 0)
      expect(await space.dsctl(['doctor', '--deep'], env)).toMatchObject({ code: 0 })
    }
    expect(codes).toContain(0)
    expect(codes).toContain(7)
  })

  test('a read-only disk is reported, and usable again afterwards', async () => {
    space.shell('mount -o remount,ro "$1"', disk)
    for (const args of [create('Second'), ['list'], ['get', 'First']])
      expect(await space.dsctl(args, env)).toMatchObject({
        code: 7,
        stdout: '',
        stderr: expect.stringContaining('read-only'),
      })
    space.shell('mount -o remount,rw "$1"', disk)
    expect(await space.dsctl(['list', '-o', 'name'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^First$/m),
    })
  })

  test('settings on a read-only disk are not saved', async () => {
    const settings = { DSCTL_CONFIG_DIR: join(disk, 'settings') }
    space.shell('mount -o remount,ro "$1"', disk)
    const result = await space.dsctl(['config', 'set', 'env', 'dev'], settings)
    space.shell('mount -o remount,rw "$1"', disk)
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('DSCTL_CONFIG_DIR') })
  })

  test('the program runs from a read-only disk', async () => {
    const program = join(disk, 'program')
    space.shell('mkdir "$2"; mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"', ROOT, program)
    const bin = join(program, 'bin/dsctl.js')
    expect(() => space.shell('touch "$1/dist/x"', program)).toThrow('Read-only')
    expect(await space.dsctl(create('Third'), env, bin)).toMatchObject({ code: 0, stderr: '' })
  })
})

describe.skipIf(process.platform !== 'linux')('a file system without write support', () => {
  test.each([
    [['list', '--profile', 'embedded'], 'DSCTL_HOME', 7],
    [['config', 'set', 'env', 'dev'], 'DSCTL_CONFIG_DIR', 2],
  ] as const)('is reported by %j, which does not hang', async (args, variable, code) => {
    const env = { [variable]: '/proc/dsctl-test/deeper' }
    const { result } = spawnNode([BIN, ...args], { env, timeout: 10_000 })
    expect(await result).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(variable) })
  })
})
