import { join } from 'node:path'
import { invalid } from '../domain/errors.ts'
import { embeddedFolder } from './profiles.ts'
import { type Settings, settingProblem, tokenPath } from './settings.ts'
import { withoutOuterSlashes } from './vault-path.ts'

/** Where in Vault the secrets are. Throws `invalid` where the settings, which the environment may give, name no place. */
export function vaultLocation(settings: Pick<Settings, 'get'>): { mount: string; path: string } {
  const given = (key: 'vault.mount' | 'vault.path') => {
    const value = settings.get(key) ?? ''
    const message = settingProblem(key, value)
    if (message) throw invalid(`${key} cannot be used.`, [{ field: key, message }])
    return withoutOuterSlashes(value)
  }
  return { mount: given('vault.mount'), path: given('vault.path') }
}

/** Files with what dsctl and its drivers log in with, there or not. */
export function credentialFiles(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const token = tokenPath(env)
  return [token, env.PGPASSFILE || join(token, '..', '.pgpass'), join(embeddedFolder(env), 'identity')]
}
