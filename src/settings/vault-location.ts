import { invalid } from '../domain/errors.ts'
import { settingProblem } from './setting-problem.ts'
import type { Settings } from './settings.ts'
import { withoutOuterSlashes } from './vault-path.ts'

/** The mount and the path template of the secrets in Vault. Throws `invalid` if a setting is not valid. */
export function vaultLocation(settings: Pick<Settings, 'get'>): { mount: string; path: string } {
  const read = (key: 'vault.mount' | 'vault.path') => {
    const value = settings.get(key) ?? ''
    const message = settingProblem(key, value)
    if (message) throw invalid(`Invalid ${key}.`, [{ field: key, message }])
    return withoutOuterSlashes(value)
  }
  return { mount: read('vault.mount'), path: read('vault.path') }
}
