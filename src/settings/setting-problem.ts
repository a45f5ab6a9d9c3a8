import { databaseUrlProblem, hasSecretInUrl } from '../domain/database-url.ts'
import { OUTPUT_FORMATS } from '../domain/output-format.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import type { SettingName } from './keys.ts'
import { vaultAddressProblem } from './vault-address.ts'
import { vaultPathProblem } from './vault-path.ts'

/** The problem with a value that is not valid for this setting, otherwise undefined. Never quotes a password. */
export function settingProblem(key: SettingName, value: string): string | undefined {
  if (value === '') return 'must not be empty; run dsctl config unset to remove it'
  if (key === 'database.url' && hasSecretInUrl(value)) {
    return 'must not contain a password, because others could read it; use PGPASSWORD, ~/.pgpass or database.vaultRole'
  }
  if (key === 'database.url') return databaseUrlProblem(value)
  if (key === 'vault.addr' && value.includes('@'))
    return 'must look like https://vault.example.com:8200, without a login'
  if (key === 'vault.addr') return vaultAddressProblem(value)
  if (key === 'vault.path' && !value.includes('{id}'))
    return 'must contain {id}, which dsctl replaces with the data source’s UUID'
  if (key === 'vault.path' || key === 'vault.mount') return vaultPathProblem(value)
  if (key === 'output' && !OUTPUT_FORMATS.some(format => format === value)) {
    return `must be one of ${OUTPUT_FORMATS.join(', ')}${didYouMean(value, OUTPUT_FORMATS)}`
  }
  if (key === 'audit.reads' && !['on', 'off'].includes(value)) return 'must be on or off'
  return undefined
}
