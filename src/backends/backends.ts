import type { AuditTrail } from '../ports/audit-trail.ts'
import type { Identity } from '../ports/caller.ts'
import type { RecordsHealth, SecretsHealth } from '../ports/health.ts'
import type { Logins } from '../ports/logins.ts'
import type { Members } from '../ports/members.ts'
import type { Onboarding } from '../ports/onboarding.ts'
import type { Records } from '../ports/records.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { DatabaseSetup, VaultCheck } from '../ports/setup.ts'
import type { Templates } from '../ports/templates.ts'
import type { PostgresStores } from '../postgres/stores.ts'

/** The stores and the caller's identity, on servers or embedded. Each is opened at the first call and then kept. */
export interface Backends {
  records(): Promise<Records>
  secrets(): Promise<Secrets>
  members(): Promise<Members>
  templates(): Promise<Templates>
  onboarding(): Promise<Onboarding>
  auditTrail(): Promise<AuditTrail>
  identity(): Promise<Identity>
  logins(): Promise<Logins>
  health(): Promise<{ readonly records: RecordsHealth; readonly secrets: SecretsHealth }>
  setup(): Promise<DatabaseSetup>
  /** Checks the mount and the token's permissions; for one organization's secrets if its id is given. */
  checkVault(organizationId?: string): Promise<VaultCheck>
  close(): Promise<void>
}

type PostgresBackends = Pick<
  Backends,
  'records' | 'members' | 'templates' | 'onboarding' | 'auditTrail' | 'health' | 'setup'
>

/** The part of Backends that Postgres implements. `open` opens the database; `secrets` is for the health checks. */
export function postgresBackends(
  open: () => Promise<PostgresStores>,
  secrets: () => Promise<Secrets & SecretsHealth>,
): PostgresBackends {
  return {
    records: async () => (await open()).records,
    members: async () => (await open()).members,
    templates: async () => (await open()).templates,
    onboarding: async () => (await open()).onboarding,
    auditTrail: async () => (await open()).auditTrail,
    health: async () => ({ records: (await open()).health, secrets: await secrets() }),
    setup: async () => (await open()).setup,
  }
}
