import { fileURLToPath } from 'node:url'
import { ConnectionFailure, codeOf } from './failure.ts'

/**
 * Imports a driver that dsctl does not bring along, since it is heavier than all of dsctl. Throws `driver_missing`,
 * with the command that installs it where dsctl will find it: beside itself.
 */
export async function importOptional<T>(name: string, version: number): Promise<T> {
  try {
    // By a variable, so that the build leaves it to be looked for when it is used.
    const specifier: string = name
    return (await import(specifier)) as T
  } catch (error) {
    const missing = codeOf(error) === 'ERR_MODULE_NOT_FOUND' || codeOf(error) === 'MODULE_NOT_FOUND'
    const why = missing ? `The driver ${name} is not installed` : `The driver ${name} cannot be loaded`
    throw new ConnectionFailure('driver_missing', `${why}: ${installCommand(`${name}@${version}`)}`)
  }
}

/** As dsctl itself was installed: by npx, globally, as a dependency, or as a clone. */
function installCommand(driver: string): string {
  const here = fileURLToPath(import.meta.url).replaceAll('\\', '/')
  if (here.includes('/_npx/')) return `npx -p dsctl -p ${driver} dsctl test …`
  const [, folder = ''] = /^(.*?)\/node_modules\/dsctl\//.exec(here) ?? []
  if (folder.endsWith('/lib')) return `npm install --global ${driver}`
  // What is not saved, npm takes away again when the other driver is installed.
  if (folder) return `npm install --prefix ${folder} ${driver}`
  return `npm install --no-save --prefix ${here.replace(/\/(dist|src)\/.*$/, '')} ${driver}`
}
