import type { RowSecurity } from '../ports/caller.ts'

/** What to do if row-level security hides rows; undefined if it hides none. */
export function rowSecurityHint({ role, tables }: Partial<RowSecurity> = {}): string | undefined {
  const [table] = tables ?? []
  if (table === undefined) return undefined
  return (
    `If it exists, row-level security on ${tables?.join(', ')} hides it from the Postgres role ${role}. Ask the owner of ` +
    `the tables for a policy, such as CREATE POLICY dsctl ON ${table} TO "${role}" USING (true), or for BYPASSRLS.`
  )
}
