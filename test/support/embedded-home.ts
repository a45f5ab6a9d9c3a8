import { join } from 'node:path'
import { type RunOptions, spawnDsctl, temporaryFolder } from './run.ts'

/** The options of a create except its name and secret. */
export const FIELDS = [
  '--type',
  'postgres',
  '--host',
  'db.example.com',
  '--username',
  'app',
  '--default-database',
  'main',
]
export const SECRET = 'marker-embedded-password'

/** A new home of the embedded profile, and functions that run dsctl on it. Each command opens its own PGlite, so it is a process. */
export function embeddedHome(folder = join(temporaryFolder(), 'data')) {
  const env = { DSCTL_PROFILE: 'embedded', DSCTL_HOME: folder, DSCTL_ENV: 'dev', PASSWORD: SECRET }
  const run = (args: readonly string[], options: RunOptions = {}) =>
    spawnDsctl(args, { ...options, env: { ...env, ...options.env } }).result
  const create = (name: string, timeout = '10') => {
    const args = ['create', name, ...FIELDS, '--password', 'env:PASSWORD', '-o', 'json', '--timeout', timeout]
    return run(args, { timeout: Number(timeout) * 1000 + 60_000 })
  }
  return { folder, env, run, create, start: (args: readonly string[]) => spawnDsctl(args, { env }) }
}
