import { REDACTED, Secret, SecretSource } from '../domain/secret.ts'
import { findField } from '../source-types/field-names.ts'
import { parseSecretSource } from '../source-types/secret-source.ts'
import type { SourceType } from '../source-types/source-type.ts'

/**
 * If a request file gives the stored secret of a field as the source of that field, replaces the source with a mask. A
 * mask means: keep the stored value.
 */
export function keepOwnSecrets<T>(
  fields: Readonly<Record<string, T>>,
  { type, path }: { type: SourceType; path: string },
): Readonly<Record<string, T | Secret>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isOwn(name, value) ? new Secret(REDACTED) : value]),
  )

  function isOwn(name: string, value: unknown): boolean {
    const source = value instanceof SecretSource && value.origin === 'file' ? parseSecretSource(value.text) : undefined
    if (source?.kind !== 'vault' || source.path !== path) return false
    const field = findField(type, name)
    return field !== undefined && findField(type, source.field)?.name === field.name
  }
}
