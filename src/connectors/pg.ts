import type pg from 'pg'
import { ConnectionFailure } from './connection-failure.ts'
import { optionalText, type TestRun } from './driver.ts'
import { pgFailure } from './pg-failure.ts'
import { logInToPostgres } from './pg-login.ts'

/** Tests servers that speak the Postgres protocol. */
export async function testPg(run: TestRun): Promise<string | null> {
  const { credentials } = run
  const client = await logInToPostgres(run)
  try {
    run.enterStage('database')
    await checkSchema(client, optionalText(credentials, 'default_schema'))
    run.enterStage('query')
    const { rows } = await client.query('select version() as version')
    return parseVersion(String(rows[0]?.version ?? ''))
  } catch (error) {
    throw error instanceof ConnectionFailure ? error : pgFailure(run, error)
  }
}

async function checkSchema(client: pg.Client, schema: string | undefined): Promise<void> {
  if (schema === undefined) return
  const { rows } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (rows.length === 0) {
    throw new ConnectionFailure('database_not_found', `The database has no schema ${schema}.`)
  }
  const usable = await client.query("select has_schema_privilege($1, 'usage') as usable", [schema])
  if (!usable.rows[0]?.usable) {
    const message = `The user is not allowed to use the schema ${schema}. Grant the user USAGE on it.`
    throw new ConnectionFailure('permission_denied', message)
  }
}

function parseVersion(text: string): string | null {
  const [, amazonVersion] = /Redshift ([\w.]+)/.exec(text) ?? []
  return amazonVersion ? `Redshift ${amazonVersion}` : (/^[\w.]+ [\w.]+/.exec(text)?.[0] ?? null)
}
