import type { ScratchDatabase } from './servers.ts'

/** Everything in a schema that DDL can change, one line each. */
export async function schemaOf(database: ScratchDatabase, schema = 'public'): Promise<string[]> {
  const rows = await database.query(
    `SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' '
        || coalesce(column_default, '') AS line FROM information_schema.columns WHERE table_schema = $1
     UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = $1
     UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = to_regnamespace($1)
     UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = to_regnamespace($1) AND NOT t.tgisinternal
     UNION ALL SELECT 'label ' || t.typname || ' ' || e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
        WHERE t.typnamespace = to_regnamespace($1)
     UNION ALL SELECT 'function ' || p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = to_regnamespace($1)
     UNION ALL SELECT 'owner ' || c.relname || ' ' || pg_get_userbyid(c.relowner) || ' ' || coalesce(c.relacl::text, '')
        FROM pg_class c WHERE c.relnamespace = to_regnamespace($1)
     ORDER BY 1`,
    [schema],
  )
  return rows.map(({ line }) => line)
}

/** All schemas except Postgres's own. */
export async function schemasIn(database: ScratchDatabase): Promise<string[]> {
  const rows = await database.query(
    `SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1`,
  )
  return rows.map(({ nspname }) => nspname)
}

/** Every row of every table of a schema, as text. */
export async function rowsIn(database: ScratchDatabase, schema = 'public'): Promise<Record<string, unknown[]>> {
  const tables = await database.query('SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1', [schema])
  const rows: Record<string, unknown[]> = {}
  for (const { tablename } of tables) {
    const found = await database.query(`SELECT to_jsonb(t)::text AS row FROM ${schema}.${tablename} t ORDER BY 1`)
    rows[tablename] = found.map(({ row }) => row)
  }
  return rows
}

/** Everything in a database that init could have changed. */
export async function stateOf(database: ScratchDatabase) {
  const schemas = await schemasIn(database)
  const contents = schemas.map(async schema => [
    schema,
    await schemaOf(database, schema),
    await rowsIn(database, schema),
  ])
  return Promise.all(contents)
}
