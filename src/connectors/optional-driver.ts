import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConnectionFailure, errorCode } from './connection-failure.ts'

/** Drivers that are not dependencies, because each is larger than all of dsctl, with their major versions. */
const OPTIONAL_DRIVERS = { tedious: 19, 'snowflake-sdk': 3 } as const
type OptionalDriver = keyof typeof OPTIONAL_DRIVERS

/** Imports an optional driver. Throws `driver_missing` with the command that installs it next to dsctl. */
export async function importOptionalDriver<T>(name: OptionalDriver): Promise<T> {
  try {
    // The bundler does not resolve the import of a variable.
    const specifier: string = name
    return (await import(specifier)) as T
  } catch (error) {
    const missing = errorCode(error) === 'ERR_MODULE_NOT_FOUND' || errorCode(error) === 'MODULE_NOT_FOUND'
    const problem = missing ? `The driver ${name} is not installed` : `The driver ${name} cannot be loaded`
    throw new ConnectionFailure('driver_missing', `${problem}: ${installCommand(name)}`)
  }
}

/** The command depends on how dsctl was installed: by npx, globally, as a dependency, or from a clone. */
function installCommand(driver: OptionalDriver): string {
  const here = import.meta.filename.replaceAll('\\', '/')
  const packages = withInstalledDrivers(driver, dirname(here))
  if (here.includes('/_npx/')) return `npx -p … ${packages.map(name => `-p ${name}`).join(' ')} dsctl test …`
  const [, folder = ''] = /^(.*?)\/node_modules\/dsctl\//.exec(here) ?? []
  if (folder.endsWith('/lib')) return `npm install --global ${withVersion(driver)}`
  if (folder) return `npm install --prefix ${folder} ${withVersion(driver)}`
  // --save-prod: if a lock file lists the package as an optional peer, npm installs it only as a dependency.
  return `npm install --no-save --save-prod --prefix ${here.replace(/\/(dist|src)\/.*$/, '')} ${packages.join(' ')}`
}

/** npx and --no-save remove drivers that the command does not name, so it names the installed ones too. */
function withInstalledDrivers(driver: OptionalDriver, folder: string): readonly string[] {
  const names = Object.keys(OPTIONAL_DRIVERS) as OptionalDriver[]
  return names.filter(name => name === driver || isInstalled(name, folder)).map(withVersion)
}

function withVersion(driver: OptionalDriver): string {
  return `${driver}@${OPTIONAL_DRIVERS[driver]}`
}

function isInstalled(driver: OptionalDriver, folder: string): boolean {
  if (existsSync(join(folder, 'node_modules', driver, 'package.json'))) return true
  return dirname(folder) !== folder && isInstalled(driver, dirname(folder))
}
