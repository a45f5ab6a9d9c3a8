import { invalid } from '../domain/errors.ts'
import { type Credentials, Secret } from '../domain/secret.ts'
import { checkPassphrases } from '../source-types/check-passphrases.ts'
import { getSourceType } from '../source-types/index.ts'
import { mergeUpdate } from '../source-types/merge-update.ts'
import { normalizeCredentials } from '../source-types/normalize.ts'
import { parseFields } from '../source-types/parse-fields.ts'

/**
 * Returns the stored credentials with an update applied. Throws `invalid`, with every problem, if the result is not
 * valid.
 */
export async function mergeFields(
  { fields, unset }: { readonly fields: Readonly<Record<string, unknown>>; readonly unset: readonly string[] },
  typeName: string,
  stored: Credentials | null,
): Promise<{ merged: Credentials; changed: readonly string[] }> {
  const type = getSourceType(typeName)
  const { given, problems } = parseFields(type, fields, 'update')
  const merged = mergeUpdate(type, stored, { given: onlyResolved(given), unset })
  const passphrases = await checkPassphrases(type, normalizeCredentials(type, merged.merged), merged.changed)
  const all = [...problems, ...merged.problems, ...passphrases]
  if (all.length === 0) return merged
  throw invalid('The data source cannot be updated.', all, `Run dsctl types ${type.name} to see its fields.`)
}

function onlyResolved(given: Readonly<Record<string, unknown>>): Record<string, Secret> {
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, Secret] => entry[1] instanceof Secret),
  )
}
