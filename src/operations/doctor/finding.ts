import { DsctlError } from '../../domain/errors.ts'
import type { RecordsHealth, SecretsHealth } from '../../ports/health.ts'
import type { DatabaseSetup, VaultCheck } from '../../ports/setup.ts'
import type { Stores } from '../stores.ts'

/** What doctor is to look at, and how far it goes. */
export interface Examination {
  readonly stores: Stores
  readonly health: { readonly records: RecordsHealth; readonly secrets: SecretsHealth }
  readonly setup: Pick<DatabaseSetup, 'inspect'>
  /** What the token may do with the secrets of an organization. */
  readonly checkVault: (organizationId: string) => Promise<VaultCheck>
  /** Settle what is expired and remove what is owed; what can't be explained is never touched. */
  readonly fix: boolean
  /** Read every secret and check it against its type. */
  readonly deep: boolean
  /** Told how many records have been compared so far, of how many. */
  readonly progress: (compared: number, of: number) => void
  /** Runs what must not be cut off half way. */
  unbroken<T>(operation: () => Promise<T>): Promise<T>
}

/** An examination that has come as far as knowing whom it is about. */
export interface OrganizationExamination extends Examination {
  readonly organizationId: string
}

/** One line of what doctor found. `items` are the ids concerned. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do about it; null where nothing has to be done. */
  readonly fix: string | null
  readonly items: readonly string[]
}

/** A check that found nothing wrong. */
export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message, fix: null, items: [] }
}

/** A check that could not be made, and why: a server refused it. */
export function couldNotCheck(check: string, { message, details }: DsctlError): Finding {
  const fields = (details.fields ?? []).map(({ field, message }) => `${field} ${message}`).join('; ')
  const why = fields ? `${message} ${fields}.` : message
  return { check, status: 'problem', message: `Could not be checked. ${why}`, fix: details.hint ?? null, items: [] }
}

/** Whether a server has said no, as opposed to nothing, or to who is asking. */
export function isRefusal({ code }: DsctlError): boolean {
  return code === 'forbidden' || code === 'invalid'
}

/** How many of what: `1 secret`, `2 secrets`. */
export function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? '' : 's'}`
}

/** The first few, for a person; `-o json` has them all. */
export function summarize(labels: readonly string[]): string {
  const first = labels.slice(0, SHOWN).join('; ')
  return labels.length > SHOWN ? `${first}; and ${labels.length - SHOWN} more (-o json names all)` : first
}

const SHOWN = 5

/** Throws where someone has interrupted meanwhile. What has been settled or removed by then stays so. */
export function throwIfInterrupted({ stores }: Examination): void {
  const stopped = stores.interrupted()
  if (stopped) throw new DsctlError(stopped, 'Interrupted: run it again to go on.')
}
