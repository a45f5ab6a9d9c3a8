import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const INSTALL = fileURLToPath(new URL('../../.ci/install-drivers', import.meta.url))

export interface Installed {
  /** The installed command. */
  readonly bin: string
  /** The folder of a project that depends on dsctl and the drivers. */
  readonly folder: string
  /** The installed drivers. */
  readonly drivers: ReadonlySet<string>
}

/** Installs drivers next to the built dsctl, unless an earlier run did. Prints a warning if one is not available. */
export function install(...drivers: readonly string[]): Installed {
  const { stdout } = spawnSync(INSTALL, drivers, { encoding: 'utf8', timeout: 240_000 })
  const folder = stdout.trim()
  const names = drivers.map(driver => driver.replace(/@\d+$/, ''))
  const there = names.filter(name => folder && existsSync(join(folder, 'node_modules', name, 'package.json')))
  for (const name of names.filter(name => !there.includes(name)))
    console.log(`Not to be had here, so not tested with: ${name}`)
  return { bin: join(folder, 'node_modules/dsctl/bin/dsctl.js'), folder, drivers: new Set(there) }
}
