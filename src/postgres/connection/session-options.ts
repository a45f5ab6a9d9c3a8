/**
 * Settings of the session. They override those of the database or the role, which may have time limits that stop a
 * statement half-way, another isolation level, or other formats. The owner still decides where the tables are
 * (search_path) and whether the role may write (default_transaction_read_only).
 */
const SESSION: Readonly<Record<string, string>> = {
  statement_timeout: '0', // dsctl has its own limit: --timeout
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  default_transaction_isolation: 'read committed',
  DateStyle: 'ISO',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  row_security: 'on',
}

/**
 * The start-up parameter `options`, followed by the user's own options, which override ours.
 * Source: PostgreSQL documentation, "Connection Settings", options.
 */
export function sessionOptions(given = ''): string {
  const ours = Object.entries(SESSION).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  return [...ours, given].join(' ').trim()
}

/**
 * Whether the server refused the connection because of these options. A connection pooler such as PgBouncer may not
 * pass them on. The session then has the settings of the database and the role.
 */
export function rejectsOptions(error: unknown): boolean {
  const { code, message } = (error instanceof Error ? error : {}) as { code?: unknown; message?: string }
  return /^(08P01|0A000|42704|42501|22023)$/.test(String(code)) && /parameter|option/i.test(message ?? '')
}
