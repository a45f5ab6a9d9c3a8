import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConnectionFailure, errorCode } from './connection-failure.ts'

/** The drivers that dsctl does not bring along, since each is heavier than all of dsctl, by their major version. */
const OPTIONAL = { tedious: 19, 'snowflake-sdk': 3 } as const
type Optional = keyof typeof OPTIONAL

/** Imports such a driver. Throws `driver_missing`, with the command that installs it where dsctl will find it: beside itself. */
export async function importOptionalDriver<T>(name: Optional): Promise<T> {
  try {
    // By a variable, so that the build leaves it to be looked for when it is used.
    const specifier: string = name
    return (await import(specifier)) as T
  } catch (error) {
    const missing = errorCode(error) === 'ERR_MODULE_NOT_FOUND' || errorCode(error) === 'MODULE_NOT_FOUND'
    const why = missing ? `The driver ${name} is not installed` : `The driver ${name} cannot be loaded`
    throw new ConnectionFailure('driver_missing', `${why}: ${installCommand(name)}`)
  }
}

/** As dsctl itself was installed: by npx (where it was named, by its name or a tarball's), globally, as a dependency, or as a clone. */
function installCommand(driver: Optional): string {
  const here = import.meta.filename.replaceAll('\\', '/')
  const wanted = withTheOthers(driver, dirname(here))
  if (here.includes('/_npx/')) return `npx -p … ${wanted.map(name => `-p ${name}`).join(' ')} dsctl test …`
  const [, folder = ''] = /^(.*?)\/node_modules\/dsctl\//.exec(here) ?? []
  if (folder.endsWith('/lib')) return `npm install --global ${withVersion(driver)}`
  if (folder) return `npm install --prefix ${folder} ${withVersion(driver)}`
  // Where a lock file knows a package as an optional peer, npm installs it only if it is told to be a dependency.
  return `npm install --no-save --save-prod --prefix ${here.replace(/\/(dist|src)\/.*$/, '')} ${wanted.join(' ')}`
}

/** Where nothing keeps which drivers there are, one that is there would be gone after a command that does not name it. */
function withTheOthers(driver: Optional, folder: string): readonly string[] {
  const names = Object.keys(OPTIONAL) as Optional[]
  return names.filter(name => name === driver || isThere(name, folder)).map(withVersion)
}

function withVersion(driver: Optional): string {
  return `${driver}@${OPTIONAL[driver]}`
}

function isThere(driver: Optional, folder: string): boolean {
  if (existsSync(join(folder, 'node_modules', driver, 'package.json'))) return true
  return dirname(folder) !== folder && isThere(driver, dirname(folder))
}
