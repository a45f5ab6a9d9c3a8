import type { PostgresPool } from 'kysely'
import type { AuditTrail } from '../ports/audit-trail.ts'
import type { RecordsHealth } from '../ports/health.ts'
import type { Members } from '../ports/members.ts'
import type { Onboarding } from '../ports/onboarding.ts'
import type { Records } from '../ports/records.ts'
import type { DatabaseSetup } from '../ports/setup.ts'
import type { Templates } from '../ports/templates.ts'
import { postgresAuditTrail } from './audit-trail.ts'
import { openDatabase } from './connection/database.ts'
import { postgresHealth } from './health.ts'
import { postgresMembers } from './members.ts'
import { postgresOnboarding } from './records/onboarding.ts'
import { postgresRecords } from './records/postgres-records.ts'
import { postgresSetup } from './schema/setup.ts'
import { postgresTemplates } from './templates.ts'

/** All ports that Postgres implements. */
export interface PostgresStores {
  readonly records: Records
  readonly members: Members
  readonly templates: Templates
  readonly onboarding: Onboarding
  readonly auditTrail: AuditTrail
  readonly health: RecordsHealth
  readonly setup: DatabaseSetup
}

/**
 * Implements the interfaces of src/ports with one connection pool, of pg or PGlite. `client` names this process in the
 * audit trail.
 */
export function postgresStores(pool: PostgresPool, client: string): PostgresStores {
  const db = openDatabase(pool)
  return {
    records: postgresRecords(db, client),
    members: postgresMembers(db, client),
    templates: postgresTemplates(db, client),
    onboarding: postgresOnboarding(db, client),
    auditTrail: postgresAuditTrail(db, client),
    health: postgresHealth(db, client),
    setup: postgresSetup(db),
  }
}
