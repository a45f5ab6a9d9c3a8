import { type RawBuilder, sql } from 'kysely'

/** The labels of `data_sources.type` if an application has made that column an enum; null if it accepts any text. */
export const acceptedTypes = sql<readonly string[] | null>`(
      select array_agg(e.enumlabel::text order by e.enumsortorder)
      from pg_attribute a join pg_type t on t.oid = a.atttypid
        join pg_enum e on e.enumtypid = case t.typtype when 'd' then t.typbasetype else t.oid end
      where a.attrelid = 'data_sources'::regclass and a.attname = 'type')`

/**
 * Converts text to the type of a column of data_sources, which may be an enum or a domain of the application. It goes
 * through a row of the table, because a cast would need the name of that type.
 */
export function inTypeOfColumn(column: 'type' | 'onboarding_status', text: RawBuilder<unknown>): RawBuilder<unknown> {
  const name = sql.lit(column)
  return sql`(jsonb_populate_record(null::data_sources, jsonb_build_object(${name}, ${text}))).${sql.ref(column)}`
}
