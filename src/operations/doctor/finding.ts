import type { DsctlError } from '../../domain/errors.ts'
import type { RecordsHealth, SecretsHealth } from '../../ports/health.ts'
import type { DatabaseSetup, VaultCheck } from '../../ports/setup.ts'
import { throwIfInterrupted } from '../interruption.ts'
import type { Stores } from '../stores.ts'

/** What doctor examines, and its options. */
export interface Examination {
  readonly stores: Stores
  readonly health: { readonly records: RecordsHealth; readonly secrets: SecretsHealth }
  readonly setup: Pick<DatabaseSetup, 'inspect'>
  /** Checks what the token may do with the secrets of an organization. */
  readonly checkVault: (organizationId: string) => Promise<VaultCheck>
  /** Settle expired intents, and remove the secrets that rolled-back creates and deletes left. Change nothing else. */
  readonly fix: boolean
  /** Read every secret and check it against its type. */
  readonly deep: boolean
  /** Called with the number of records compared so far. */
  readonly onProgress: (compared: number, total: number) => void
  /** Runs an operation that has to finish its current step even if the user interrupts the command. */
  uninterruptible<T>(operation: () => Promise<T>): Promise<T>
}

/** An examination once the organization is known. */
export interface OrganizationExamination extends Examination {
  readonly organizationId: string
}

/** The result of one check. `items` are the ids of the affected data sources or secrets. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do. Null if nothing has to be done. */
  readonly fix: string | null
  readonly items: readonly string[]
}

/** A check that found no problem. */
export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message, fix: null, items: [] }
}

/** A check that a server refused. */
export function couldNotCheck(check: string, { message, details }: DsctlError): Finding {
  const fields = (details.fields ?? []).map(({ field, message }) => `${field} ${message}`).join('; ')
  const why = fields ? `${message} ${fields}.` : message
  return { check, status: 'problem', message: `Could not be checked. ${why}`, fix: details.hint ?? null, items: [] }
}

/** Whether a server refused a request. False if it was unavailable or rejected the caller's identity. */
export function isRefusal({ code }: DsctlError): boolean {
  return code === 'forbidden' || code === 'invalid'
}

/** A number with its noun: `1 secret`, `2 secrets`. */
export function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? '' : 's'}`
}

/** The first few labels, for a message. */
export function summarize(labels: readonly string[]): string {
  const first = labels.slice(0, SHOWN).join('; ')
  return labels.length > SHOWN ? `${first}; and ${labels.length - SHOWN} more (-o json lists all)` : first
}

const SHOWN = 5

/** Throws if the user has interrupted doctor. What it has settled or removed so far stays that way. */
export function checkInterrupted({ stores }: Examination): void {
  throwIfInterrupted(stores, 'run the command again to continue.')
}
