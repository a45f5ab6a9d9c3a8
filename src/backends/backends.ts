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

/** The two stores and who is asking, on servers or embedded. Each is opened when it is first asked for. */
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
  /** For the secrets of one organization, if it is known. */
  checkVault(organizationId?: string): Promise<VaultCheck>
  close(): Promise<void>
}
