import type { ColumnType, Generated, JSONColumnType } from 'kysely'
import type { OnboardingStatus } from '../../domain/data-source.ts'
import type { Role } from '../../ports/caller.ts'
import type { IntentOutcome, IntentState } from '../../ports/intent.ts'

// The columns that dsctl reads and writes. The application's tables may have more columns, which dsctl ignores.

type Timestamp = ColumnType<Date, Date | string, Date | string>
type NullableTimestamp = ColumnType<Date | null, Date | string | null, Date | string | null>

interface OrganizationsTable {
  id: Generated<string>
  name: string
  domain: string | null
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
  deleted_at: NullableTimestamp
}

interface UsersTable {
  id: Generated<string>
  email: string
  name: string | null
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
}

interface MembershipsTable {
  user_id: string
  organization_id: string
  role: Role
  status: Generated<'active' | 'inactive' | 'pending' | 'guest'>
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
  deleted_at: NullableTimestamp
  created_by: string | null
  updated_by: string | null
}

interface DataSourcesTable {
  id: string
  name: string
  type: string
  secret_id: string
  onboarding_status: Generated<OnboardingStatus>
  onboarding_error: string | null
  organization_id: string
  created_by: string | null
  updated_by: string | null
  created_at: Timestamp
  updated_at: Timestamp
  deleted_at: NullableTimestamp
  env: Generated<string>
}

interface DatasetsTable {
  id: string
  name: string
  data_source_id: string
  organization_id: string
  deleted_at: NullableTimestamp
}

/** The columns whose values an audit event may contain. Never a credential. */
export interface PlainColumns {
  name?: string
  env?: string
  onboarding_status?: string
}

interface AuditEventsTable {
  id: string
  at: Generated<Timestamp>
  organization_id: string | null
  actor_id: string | null
  actor_email: string
  actor_source: string
  action: string
  data_source_id: string | null
  data_source_name: string | null
  outcome: 'done' | 'denied' | 'failed' | 'unknown'
  fields: string[]
  before: JSONColumnType<PlainColumns> | null
  after: JSONColumnType<PlainColumns> | null
  client: string
  settled_by: string | null
}

interface PendingOperationsTable {
  id: string
  kind: 'create' | 'update' | 'delete'
  state: IntentState
  outcome: IntentOutcome | null
  data_source_id: string
  secret_id: string
  organization_id: string
  old_name: string | null
  old_env: string | null
  new_name: string | null
  new_env: string | null
  fields: string[]
  base_version: number | null
  actor_id: string
  actor_email: string
  actor_source: string
  client: string
  created_at: Generated<Timestamp>
  expires_at: Timestamp
  closed_at: NullableTimestamp
}

export interface Database {
  organizations: OrganizationsTable
  users: UsersTable
  users_to_organizations: MembershipsTable
  data_sources: DataSourcesTable
  datasets: DatasetsTable
  'dsctl.audit_events': AuditEventsTable
  'dsctl.pending_operations': PendingOperationsTable
}
