import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunResult } from '../support/run.ts'
import { shell } from '../support/shell.ts'
import { createSite, type Site } from '../support/site.ts'

// Environments of scripts: sh -e, cron, a container with an unknown user, a read-only file system.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const IS_ROOT = process.getuid?.() === 0
const MAY_MOUNT = process.platform === 'linux' && IS_ROOT && spawnSync('unshare', ['-m', 'true']).status === 0

let site: Site
/** A copy of the program that every user can read. */
let program: string

beforeAll(async () => {
  site = await createSite()
  program = mkdtempSync(join(tmpdir(), 'dsctl-for-all-'))
  chmodSync(program, 0o755)
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), join(program, part), { recursive: true })
})
afterAll(async () => {
  rmSync(program, { recursive: true, force: true })
  await site?.drop()
})

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
  /** A command and arguments that start Node. */
  readonly by?: readonly string[]
  readonly stdin?: string
}

/** Runs `dsctl ARGS` with only the given environment and Node's folder in PATH. */
async function bare(args: readonly string[], { env = {}, uid, by = [], stdin = '' }: Surroundings): Promise<RunResult> {
  const [command = '', ...rest] = [...by, process.execPath, join(program, 'bin/dsctl.js'), ...args]
  const child = spawn(command, rest, {
    cwd: '/',
    env: { PATH: by.length ? `${process.env.PATH}` : dirname(process.execPath), ...env },
    ...(uid !== undefined && { uid, gid: uid }),
  })
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', chunk => stdout.push(chunk))
  child.stderr.on('data', chunk => stderr.push(chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  return { code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

const FIELDS = '--env dev --type mysql --host db.example.com --username u --default-database d'
const creation = (name: string) => ['create', name, ...FIELDS.split(' '), '--password', '-', '-o', 'name']

test('under sh -e a script stops unless it handles the exit code', async () => {
  const bash = shell(site.env)
  const said = await bash.run(`sh -e <<'EOF'
    printf 'marker-pw' | dsctl create Job ${FIELDS} --password - -o name
    dsctl create Job ${FIELDS} --password env:HOME --if-exists skip -o name -q
    dsctl get Other --env dev -q 2>/dev/null || [ $? -eq 5 ]
    if dsctl diff -f missing.yaml 2>/dev/null; then echo same; else echo "diff ended with $?"; fi
    for id in $(dsctl list --all -o id); do dsctl get "$id" -o name; done
    dsctl delete Job --env dev --yes -q
    dsctl delete Job --env dev --yes --ignore-not-found -q
    dsctl get Job --env dev
    echo 'not reached'
EOF`)
  expect(said).toBe(
    'Job\nJob\ndiff ended with 2\nJob\ndsctl: There is no data source Job.\nRun dsctl list to see them.\n',
  )
  expect(await bash.run('echo $?')).toBe('5\n')
  bash.end()
})

/** The user who runs dsctl, with no home, a missing one, another's, or a read-only one. */
const PEOPLE: readonly (readonly [string, () => Surroundings])[] = [
  ['cron, without HOME and TERM', () => ({})],
  ['HOME empty', () => ({ env: { HOME: '' } })],
  ['TERM=dumb and no locale', () => ({ env: { TERM: 'dumb', LC_ALL: 'C', HOME: '/nonexistent' } })],
  ...(IS_ROOT
    ? ([
        ['a user without an account', () => ({ uid: 54321 })],
        ['a user without an account, with HOME=/', () => ({ uid: 54321, env: { HOME: '/' } })],
        ['nobody', () => ({ uid: 65534 })],
      ] as const)
    : []),
]

describe('With servers dsctl works for', () => {
  test.each(PEOPLE)('%s', async (name, from) => {
    const as = { ...from(), stdin: 'marker-pw' }
    const env = { ...site.env, ...as.env }
    expect(await bare(['config', 'path'], as)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\//) })
    expect(await bare(creation(name), { ...as, env })).toEqual({
      code: 0,
      signal: null,
      stdout: `${name}\n`,
      stderr: '',
    })
    expect(await bare(['get', name, '-o', 'id'], { ...as, env })).toMatchObject({ code: 0, stderr: '' })
    expect(await bare(['delete', name, '--yes', '-q'], { ...as, env })).toMatchObject({ code: 0, stderr: '' })
  })

  test.skipIf(!MAY_MOUNT)('a user with a read-only file system', async () => {
    const by = ['unshare', '-m', 'sh', '-ec', READ_ONLY, 'sh']
    const as = { by, env: site.env, stdin: 'marker-pw' }
    const probe = await bare(['-e', ''], {
      by: ['unshare', '-m', 'sh', '-ec', `${READ_ONLY.split('\n')[0]}; touch /tmp/x`],
    })
    expect(probe.stderr).toMatch(/Read-only/)
    expect(await bare(creation('Nowhere'), as)).toMatchObject({ code: 0, stdout: 'Nowhere\n', stderr: '' })
    expect(await bare(['list', '-o', 'name'], as)).toMatchObject({ code: 0, stderr: '' })
    expect(await bare(['delete', 'Nowhere', '--yes', '-q'], as)).toMatchObject({ code: 0, stderr: '' })
    expect(await bare(['login', '--token', '-'], { ...as, stdin: site.env.VAULT_TOKEN ?? '' })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot be saved to .*EROFS/),
    })
  })
})

const READ_ONLY = `for mount in $(awk '{print $5}' /proc/self/mountinfo | sort -u); do mount -o remount,bind,ro "$mount" 2>/dev/null || true; done
exec "$@"`

describe('An unusable folder is named, with the variable that moves it:', () => {
  test.skipIf(!IS_ROOT)('another user’s home', async () => {
    const as = { uid: 54321, env: { HOME: join(program, 'private') } }
    mkdirSync(as.env.HOME, { mode: 0o700 })
    for (const args of [['list'], ['config', 'set', 'env', 'dev']])
      expect(await bare(args, as), args.join(' ')).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(
          /settings file .*\/private\/.* cannot be read with your permissions\.\n.*DSCTL_CONFIG_DIR/,
        ),
      })
  })

  test.skipIf(!IS_ROOT)('a home that the user cannot write', async () => {
    const as = { uid: 54321, env: { HOME: join(program, 'readable') } }
    mkdirSync(as.env.HOME, { mode: 0o755 })
    expect(await bare(['config', 'set', 'env', 'dev'], as)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DSCTL_CONFIG_DIR'),
    })
    const login = {
      ...as,
      env: { ...as.env, VAULT_ADDR: site.env.VAULT_ADDR ?? '' },
      stdin: site.env.VAULT_TOKEN ?? '',
    }
    expect(await bare(['login', '--token', '-'], login)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot be saved to .*EACCES/),
    })
    expect(existsSync(join(as.env.HOME, '.vault-token'))).toBe(false)
  })
})
