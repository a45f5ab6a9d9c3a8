import { execFile } from 'node:child_process'
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { cleanEnvironment, type RunOptions, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// The published package, installed into an empty folder with an empty home and without a network.

/** Limits in bytes on disk. Raise one here if a change needs more. */
const LIMITS = { tarball: 6_000_000, ownFiles: 7_500_000, installed: 36_000_000, packages: 2 }

/** Some of the bundled packages: direct imports of src/, and their dependencies. */
const BUNDLED = [
  '@inquirer/core',
  'age-encryption',
  'chalk',
  'cli-table3',
  'commander',
  'conf',
  'kysely',
  'node-vault',
].concat(['mute-stream', 'pg', 'pg-protocol', 'pgpass', 'proper-lockfile', 'string-width', 'yaml', 'zod'])

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const dependencies = Object.keys(manifest.dependencies)

interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

let folder: string
let app: string
let packed: Packed
let tarballs: string[]
let servers: Site

beforeAll(async () => {
  expect(inject('build')).toBe('')
  folder = temporaryFolder()
  app = join(folder, 'app')
  mkdirSync(app)
  servers = await createSite()
  packed = await pack(ROOT)
  const others = await Promise.all(dependencies.map(name => pack(join(ROOT, 'node_modules', name))))
  tarballs = [packed, ...others].map(({ filename }) => join(folder, filename))
  await run('npm', ['install', '--no-audit', '--no-fund', ...tarballs])
}, 120_000)

afterAll(() => servers?.drop())

describe('The package', () => {
  test('contains only the command, the build, the documentation and the licences', () => {
    const paths = packed.files.map(({ path }) => path)
    const expected =
      /^(package\.json|README\.md|LICENSE|docs\/[\w/-]+\.(md|svg)|bin\/dsctl\.js|(bin|dist)\/package\.json|dist\/[\w-]+\.js)$/
    const others = ['dist/THIRD-PARTY-LICENSES.txt', 'dist/embedded-data.tar.gz', 'dist/help.txt']
    expect(paths.filter(path => !expected.test(path)).sort()).toEqual(others)
    expect(paths).toEqual(
      expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'bin/dsctl.js', 'dist/main.js', 'dist/run.js']),
    )
  })

  test('does not reveal the path where it was built', () => {
    const texts = filesOf(join(app, 'node_modules/dsctl')).filter(path => /\.(js|txt|md|json)$/.test(path))
    const telling = texts.filter(path => /sourceMappingURL/.test(read(path)) || read(path).includes(ROOT))
    expect(texts.length).toBeGreaterThan(20)
    expect(telling).toEqual([])
  })

  test('depends on exactly the packages that its bundle imports', async () => {
    expect(await imported()).toEqual([...dependencies].sort())
  })

  test('contains the licence text of every bundled package', async () => {
    const licences = read(join(ROOT, 'dist/THIRD-PARTY-LICENSES.txt'))
      .split(/^-{80}$/m)
      .slice(1)
    const names = licences.map(text => /^\n+(\S+) /.exec(text)?.[1])
    expect(names).toEqual(expect.arrayContaining(BUNDLED))
    expect(licences.filter(text => !/copyright|public domain|permission/i.test(text.slice(text.indexOf(')'))))).toEqual(
      [],
    )
  })
})

test('fails if the program stops without a result', async () => {
  const copy = join(folder, 'endless')
  cpSync(join(ROOT, 'bin'), join(copy, 'bin'), { recursive: true })
  mkdirSync(join(copy, 'dist'))
  writeFileSync(join(copy, 'dist/main.js'), 'exports.main = () => new Promise(() => {})')
  writeFileSync(join(copy, 'dist/package.json'), '{}')
  const ended = promisify(execFile)(process.execPath, [join(copy, 'bin/dsctl.js')])
  await expect(ended).rejects.toMatchObject({ code: 1 })
})

describe('Installed offline into an empty folder', () => {
  test('consists of two packages, within the recorded sizes', () => {
    const { packages } = JSON.parse(read(join(app, 'package-lock.json')))
    expect(Object.keys(packages).filter(path => path !== '')).toHaveLength(LIMITS.packages)
    expect(packed.size).toBeLessThan(LIMITS.tarball)
    expect(packed.unpackedSize).toBeLessThan(LIMITS.ownFiles)
    expect(sizeOf(join(app, 'node_modules'))).toBeLessThan(LIMITS.installed)
  })

  test('runs no script during installation', () => {
    const { packages } = JSON.parse(read(join(app, 'package-lock.json')))
    expect(Object.values<{ hasInstallScript?: true }>(packages).filter(each => each.hasInstallScript)).toEqual([])
  })

  test('prints its version, help and types', async () => {
    expect(await npx(['--version'])).toEqual({ stdout: `${manifest.version}\n`, stderr: '' })
    expect((await npx(['--help'])).stdout).toMatch(/^Usage: dsctl .*\bcreate\b.*\bdelete\b/s)
    const types = JSON.parse((await npx(['types', '-o', 'json'])).stdout)
    expect(types).toContainEqual({ name: 'snowflake', label: 'Snowflake' })
  })

  test('creates a data source and shows it', async () => {
    const env = { ...servers.env, SALES_PASSWORD: 'pa-ck-ed' }
    const where = ['--env', 'dev', '--type', 'mysql', '--host', 'db.example.com', '--default-database', 'sales']
    const created = await npx(
      ['create', 'Sales', ...where, '--username', 'app', '--password', 'env:SALES_PASSWORD', '-o', 'id'],
      { env },
    )
    const id = created.stdout.trim()
    const shown = JSON.parse((await npx(['get', 'Sales', '--env', 'dev', '-o', 'json'], { env })).stdout)
    expect(shown).toMatchObject({ id, name: 'Sales', db_type: 'mysql', credentials: { password: '[REDACTED]' } })
    const secret = await servers.vault.readSecret(`data-sources/${id}`)
    expect(secret?.data).toMatchObject({ type: 'mysql', password: 'pa-ck-ed' })
  })
})

test.runIf(ALL_CASES)('npx --yes asks nothing and passes on the exit code', async () => {
  const fetched = `npx --yes ${tarballs.map(path => `-p '${path}'`).join(' ')} dsctl`
  const pipe = `${fetched} types postgres -o json </dev/null | head -1; echo "\${PIPESTATUS[0]}"`
  expect(await run('bash', ['-c', pipe])).toEqual({ stdout: '{\n0\n', stderr: '' })
})

describe.runIf(ALL_CASES)('Installed globally', () => {
  test('installs one command, which needs no server for the embedded profile', async () => {
    const prefix = join(folder, 'prefix')
    await run('npm', ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', ...tarballs])
    const env = { DSCTL_PROFILE: 'embedded', DSCTL_HOME: join(folder, 'data'), SALES_PASSWORD: 'pa-ck-ed' }
    const where = ['--env', 'dev', '--type', 'mysql', '--host', 'db.example.com', '--default-database', 'sales']
    const secret = ['--username', 'app', '--password', 'env:SALES_PASSWORD']
    await run(join(prefix, 'bin/dsctl'), ['create', 'Sales', ...where, ...secret], { env })
    expect((await run(join(prefix, 'bin/dsctl'), ['list', '-o', 'name'], { env })).stdout).toBe('Sales\n')
  })
})

async function pack(from: string): Promise<Packed> {
  const to = ['--pack-destination', folder]
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', ...to, from])
  return JSON.parse(stdout)[0]
}

function npx(args: readonly string[], options: RunOptions = {}) {
  return run('npx', ['dsctl', ...args], options)
}

/** Runs npm or npx in the empty folder, with its own home and cache. Throws if it fails. */
function run(command: string, args: readonly string[], { env }: RunOptions = {}) {
  const quiet = { npm_config_offline: 'true', npm_config_update_notifier: 'false', npm_config_loglevel: 'error' }
  const own = cleanEnvironment({ ...quiet, ...env }, join(folder, 'home'))
  return promisify(execFile)(command, [...args], { cwd: app, env: own, maxBuffer: 1e8 })
}

/** The packages that dist/ imports at run time, except Node's own modules. */
async function imported(): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [join(ROOT, 'dist/main.js')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outdir: folder,
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const imports = Object.values(metafile.inputs).flatMap(input => input.imports)
  const outside = imports.filter(({ external }) => external).map(({ path }) => path)
  return [...new Set(outside)].filter(path => !isOfNode(path) && path !== '<runtime>').sort() // esbuild's own
}

function isOfNode(path: string): boolean {
  return path.startsWith('node:') || builtinModules.includes(path)
}

function filesOf(path: string): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

function sizeOf(path: string): number {
  return filesOf(path).reduce((sum, file) => sum + lstatSync(file).size, 0)
}

function read(path: string): string {
  return readFileSync(path, 'utf8')
}
