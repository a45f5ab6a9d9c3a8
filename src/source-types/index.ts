import { asText } from '../as-text.ts'
import { invalid, shownKey } from '../errors.ts'
import { didYouMean } from '../near-miss.ts'
import { bigquery } from './bigquery.ts'
import { databricks } from './databricks.ts'
import type { SourceType } from './define.ts'
import { mariadb } from './mariadb.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'
import { redshift } from './redshift.ts'
import { snowflake } from './snowflake.ts'
import { sqlserver } from './sqlserver.ts'
import { supabase } from './supabase.ts'

/** The registry: a new type is one file, named here. */
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

/** The type of that name; throws `invalid`, naming the types there are and the one that was probably meant. */
export function getSourceType(given: unknown): SourceType {
  const type = findSourceType(given)
  if (type) return type
  const name = asText(given)
  const names = sourceTypes.map(type => type.name)
  const what = typeof given === 'string' ? `no type ${JSON.stringify(shownKey(name))}` : 'no such type'
  throw invalid(`There is ${what}.`, [
    { field: 'type', message: `must be one of ${names.join(', ')}${didYouMean(name, names)}` },
  ])
}
