import { join } from 'node:path'
import { invalid } from '../errors.ts'
import { dataFolder } from './profiles.ts'
import { type Settings, tokenPath } from './settings.ts'

/** Where in Vault the secrets are. */
export function secretsAt(settings: Pick<Settings, 'get'>): { mount: string; path: string } {
  const mount = (settings.get('vault.mount') ?? '').replace(/^\/|\/$/g, '')
  const path = (settings.get('vault.path') ?? '').replace(/^\/|\/$/g, '')
  if (path.includes('{id}')) return { mount, path }
  throw invalid('vault.path cannot be used.', [
    { field: 'vault.path', message: 'must have {id} in it, where the data source’s UUID goes' },
  ])
}

/** Files with what dsctl and its drivers log in with, there or not. */
export function tokenFiles(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const token = tokenPath(env)
  return [token, env.PGPASSFILE || join(token, '..', '.pgpass'), join(dataFolder(env), 'identity')]
}
