import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const QUIET = ['--no-audit', '--no-fund', '--ignore-scripts']

/** A project that depends on dsctl and on drivers, kept from one run to the next. */
const PROJECT = join(process.env.DSCTL_CI_CACHE ?? join(tmpdir(), 'dsctl-ci'), 'drivers')
const DSCTL = join(PROJECT, 'node_modules/dsctl')

/** As a user has installed it, and therefore run from there. */
export const INSTALLED_BIN = join(DSCTL, 'bin/dsctl.js')

/**
 * Installs the dsctl that is built here, without what only the embedded profile loads, and drivers; gives those that are
 * there then.
 */
export function install(drivers: Readonly<Record<string, number>>): ReadonlySet<string> {
  mkdirSync(PROJECT, { recursive: true })
  if (!existsSync(DSCTL)) installDsctl()
  const there = Object.entries(drivers).filter(([name, version]) => installDriver(name, version))
  // Last, since npm puts back what it has installed.
  for (const part of ['bin', 'dist']) {
    rmSync(join(DSCTL, part), { recursive: true, force: true })
    cpSync(join(ROOT, part), join(DSCTL, part), { recursive: true })
  }
  return new Set(there.map(([name]) => name))
}

function installDsctl(): void {
  const source = join(PROJECT, 'dsctl')
  mkdirSync(source, { recursive: true })
  const { dependencies, devDependencies, scripts, ...manifest } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  writeFileSync(join(source, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(PROJECT, 'package.json'), '{ "private": true }')
  npm('pack', '--pack-destination', PROJECT, source)
  npm('install', '--prefix', PROJECT, join(PROJECT, `dsctl-${manifest.version}.tgz`))
}

/** The command by which dsctl says that a driver is installed. */
export function driverCommand(driver: string): string {
  return `npm install --prefix ${PROJECT} ${driver}`
}

/** Whether a driver is there, after that command if it was not. Says so where it is not to be had. */
function installDriver(name: string, version: number): boolean {
  const there = () => existsSync(join(PROJECT, 'node_modules', name, 'package.json'))
  if (!there()) npm(...driverCommand(`${name}@${version}`).split(' ').slice(1))
  if (!there()) console.log(`Not to be had here, so not tested with: ${name}`)
  return there()
}

function npm(...args: readonly string[]): void {
  spawnSync('npm', [...args, ...QUIET], { timeout: 120_000, stdio: 'ignore' })
}
