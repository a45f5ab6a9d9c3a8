import { invalid, safeKey } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { stringify } from '../lib/stringify.ts'
import type { SourceType } from './source-type.ts'
import { bigquery } from './types/bigquery.ts'
import { databricks } from './types/databricks.ts'
import { mariadb } from './types/mariadb.ts'
import { mysql } from './types/mysql.ts'
import { postgres } from './types/postgres.ts'
import { redshift } from './types/redshift.ts'
import { snowflake } from './types/snowflake.ts'
import { sqlserver } from './types/sqlserver.ts'
import { supabase } from './types/supabase.ts'

/** All source types. To add a type, write its file and list it here. */
export const sourceTypes: readonly SourceType[] = [
  postgres,
  mysql,
  sqlserver,
  redshift,
  databricks,
  snowflake,
  bigquery,
  mariadb,
  supabase,
]

export function findSourceType(name: unknown): SourceType | undefined {
  return sourceTypes.find(type => type.name === name)
}

/** The value of `type` in the secrets of a type. */
export function familyOf({ family, name }: SourceType): string {
  return family ?? name
}

/**
 * Whether a secret whose `type` is `tag` can belong to a type. Earlier versions of dsctl stored the type's name instead
 * of its family. A tag that is not the name of a type belongs to the application and is accepted.
 */
export function isTagOf(type: SourceType, tag: unknown): boolean {
  const named = findSourceType(tag)
  return !named || familyOf(named) === familyOf(type)
}

/** Returns the type of that name. Throws `invalid` with the names of all types and a suggestion. */
export function getSourceType(given: unknown): SourceType {
  const type = findSourceType(given)
  if (type) return type
  const name = stringify(given)
  const names = sourceTypes.map(type => type.name)
  const message =
    typeof given === 'string' ? `There is no type ${JSON.stringify(safeKey(name))}.` : 'There is no such type.'
  throw invalid(message, [{ field: 'type', message: `must be one of ${names.join(', ')}${didYouMean(name, names)}` }])
}
