import type { Stores } from '../operations/stores.ts'
import type { AuditTrail } from '../ports/audit-trail.ts'
import type { Caller, Identity, Role } from '../ports/caller.ts'
import type { ConnectionTester } from '../ports/connection-test.ts'
import type { RecordsHealth, SecretsHealth } from '../ports/health.ts'
import type { Logins } from '../ports/logins.ts'
import type { Members } from '../ports/members.ts'
import type { Onboarding } from '../ports/onboarding.ts'
import type { Records } from '../ports/records.ts'
import type { SecretLocation } from '../ports/secrets.ts'
import type { DatabaseSetup, VaultCheck } from '../ports/setup.ts'
import type { Templates } from '../ports/templates.ts'
import type { Settings } from '../settings/settings.ts'
import type { Prompter } from '../terminal/prompter.ts'
import type { Streams } from '../terminal/streams.ts'
import type { View } from '../terminal/view.ts'

/** The options of a command line, as commander spells them. */
export type Flags = Readonly<Record<string, unknown>>

/** What a command may touch. Everything is opened when it is first asked for, and closed when the program ends. */
export interface Context {
  readonly streams: Streams
  readonly version: string
  /** Known once the command line has been read. */
  flags: Flags
  /** What the command has changed, in a sentence, once it has: to be told where its answer cannot be. */
  changed: { readonly text: string; readonly id?: string | undefined } | undefined

  settings(): Settings
  /** Keeps settings as a profile; undefined takes one out. Throws `invalid` for a value that may not stand there. */
  saveProfile(name: string, values: Readonly<Record<string, string | undefined>>): Promise<void>
  useProfile(name: string): Promise<void>

  /** The records alone, for what needs no secret: who is asking is looked up while Postgres connects. */
  records(roles: readonly Role[]): Promise<{ caller: Caller; records: Records }>
  /** Both stores; `beside` runs at the same time as the look-up of who is asking. */
  stores(roles: readonly Role[], beside?: (stores: Pick<Stores, 'secrets'>) => Promise<void>): Promise<Stores>
  members(roles: readonly Role[]): Promise<{ caller: Caller; members: Members }>
  templates(roles: readonly Role[]): Promise<{ caller: Caller; templates: Templates }>
  onboarding(): Promise<Onboarding>
  auditTrail(roles: readonly Role[]): Promise<{ caller: Caller; trail: AuditTrail }>
  identity(): Promise<Identity>
  logins(): Promise<Logins>
  health(): Promise<{ readonly records: RecordsHealth; readonly secrets: SecretsHealth }>
  setup(): Promise<DatabaseSetup>
  connections(): Promise<ConnectionTester>
  checkVault(organizationId?: string): Promise<VaultCheck>

  /** Where secrets come from: standard input, the environment, Vault. */
  readStdin(): Promise<Buffer>
  /**
   * A secret from standard input. Where that is a terminal, which shows what is typed, a person is asked for it unseen:
   * undefined where nobody may be. Read once, however often it is asked for.
   */
  readSecret(label: string, lines: 'one' | 'several'): Promise<Buffer | undefined>
  readVaultField(path: string, field: string): Promise<string>
  /** Where in Vault a secret is, as `vault:` names it: MOUNT/PATH. */
  secretPath(at: SecretLocation): string
  /** Files with what dsctl itself logs in with, which no request file may name. */
  credentialFiles(): readonly string[]

  /** Says that the command at hand changes nothing but by what follows: before it, an interruption has changed nothing. */
  readOnlyUntilCommit(): void
  /** Runs an operation that must not be cut off half way: an interruption waits until it has ended a step. */
  uninterruptible<T>(operation: () => Promise<T>): Promise<T>
  /** Within it: work that has changed nothing yet, and may be cut off at once. */
  interruptible<T>(work: () => Promise<T>): Promise<T>

  /** Undefined where nobody may be asked. */
  prompter(): Promise<Prompter | undefined>
  print<T extends object>(view: View<T>): Promise<void>
  note(text: string): void
  warn(text: string): void
  close(): Promise<void>
}
