/** The error of Postgres about a missing privilege. */
interface Refusal {
  readonly message: string
  /** The functions, and the statements in them, that were running. Empty if the statement called no function. */
  readonly where: string
}

const GRANTS: Readonly<Record<string, string>> = {
  organizations: 'GRANT SELECT ON organizations TO your role',
  datasets: 'GRANT SELECT ON datasets TO your role',
  templates: 'GRANT SELECT, INSERT, UPDATE, DELETE ON dsctl.templates TO your role',
  data_sources: 'GRANT SELECT, INSERT, UPDATE ON data_sources TO your role',
  pending_operations: 'GRANT SELECT, INSERT, UPDATE, DELETE ON dsctl.pending_operations TO your role',
  audit_events:
    'GRANT SELECT, INSERT ON dsctl.audit_events TO your role; to prune, also GRANT DELETE ON dsctl.audit_events',
  users_to_organizations:
    'GRANT SELECT ON users_to_organizations TO your role; to change members, also GRANT INSERT, UPDATE',
  users: 'GRANT SELECT ON users TO your role; to add members, also GRANT INSERT',
  migrations: 'GRANT SELECT ON dsctl.migrations TO your role',
}

/** A hint with the grant, or the change of a trigger or policy, that would permit the refused statement. */
export function grantHint({ message, where }: Refusal): string {
  const [, table] = /row-level security policy .*for table "?([^" ]+)/.exec(message) ?? []
  if (table)
    return `Row-level security on ${table} refused the statement. Ask the owner of the table for a policy that permits it for your role.`
  const [, kind = '', name = ''] = /for (table|view|schema|sequence|function) (\S+)/.exec(message) ?? []
  const trigger = functionIn(where)
  if (trigger !== undefined && name) return triggerHint({ kind, name, trigger, where })
  if (kind === 'schema') return `Ask the owner of the schema to run: GRANT USAGE ON SCHEMA ${name} TO your role.`
  if (GRANTS[name]) return `Ask the owner of the table to run: ${GRANTS[name]}.`
  return name
    ? `${name} is used by a trigger, a view or a policy of the application. Ask the owner to grant the privilege.`
    : 'Ask the owner of the database for the grants in docs/setup-servers.md.'
}

/** The application's function in which the error occurred, called by a trigger or a policy. `where` is the context that
 * Postgres reports with the error. Undefined if the error occurred elsewhere. */
export function functionIn(where: string): string | undefined {
  const [, plpgsql, sql] = /PL\/\w+ function ([^\s(]+)|SQL function "([^"]+)"/.exec(where) ?? []
  const name = plpgsql ?? sql
  return name?.startsWith('dsctl.') ? undefined : name
}

interface TriggerRefusal {
  readonly kind: string
  readonly name: string
  readonly trigger: string
  readonly where: string
}

const PRIVILEGES: Readonly<Record<string, string>> = { schema: 'USAGE', sequence: 'USAGE', function: 'EXECUTE' }

function triggerHint({ kind, name, trigger, where }: TriggerRefusal): string {
  const [, verb = 'SELECT'] = /SQL statement "\s*(SELECT|INSERT|UPDATE|DELETE)\b/i.exec(where) ?? []
  const privilege = PRIVILEGES[kind] ?? verb.toUpperCase()
  const object = PRIVILEGES[kind] ? `${kind.toUpperCase()} ${name}` : name
  return (
    `The function ${trigger}, which a trigger of the application calls, needs the privilege. Ask the owner of the database to run: ` +
    `GRANT ${privilege} ON ${object} TO your role; or ALTER FUNCTION ${trigger} SECURITY DEFINER.`
  )
}
