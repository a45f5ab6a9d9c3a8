import type { OutputFormat } from '../domain/output-format.ts'
import type { Stores } from '../operations/stores.ts'
import type { AuditTrail } from '../ports/audit-trail.ts'
import type { Caller, Identity, Role } from '../ports/caller.ts'
import type { ConnectionTester } from '../ports/connection-test.ts'
import type { RecordsHealth, SecretsHealth } from '../ports/health.ts'
import type { Logins } from '../ports/logins.ts'
import type { Members } from '../ports/members.ts'
import type { Onboarding } from '../ports/onboarding.ts'
import type { Records } from '../ports/records.ts'
import type { SecretField } from '../ports/secrets.ts'
import type { DatabaseSetup, VaultCheck } from '../ports/setup.ts'
import type { Templates } from '../ports/templates.ts'
import type { SettingFlags } from '../settings/keys.ts'
import type { ReadOptions, Settings } from '../settings/settings.ts'
import type { Prompter } from '../terminal/prompter.ts'
import type { Streams } from '../terminal/streams.ts'
import type { View } from '../terminal/view.ts'
import type { GlobalOptions } from './global-options.ts'

/**
 * The part of Context that reads requests: options, settings, standard input, prompts and secret sources, but no store.
 */
export interface InputContext {
  readonly streams: Streams
  /** Complete once the command line has been parsed. */
  readonly options: GlobalOptions
  settings(): Settings
  readStdin(): Promise<Buffer>
  /**
   * A secret from standard input. If standard input is a terminal, prompts for the secret without echo, or returns
   * undefined if prompts are off. Reads only once: later calls return the same secret.
   */
  readSecret(label: string, lines: 'one' | 'several'): Promise<Buffer | undefined>
  /** The value of `vault:PATH#FIELD`. */
  readVaultField(path: string, field: string): Promise<SecretField>
  /** The files that hold dsctl's own credentials. No request file may refer to them. */
  credentialFiles(): readonly string[]
  /** Undefined if prompts are not allowed. */
  prompter(): Promise<Prompter | undefined>
  note(text: string): void
  warn(text: string): void
}

/** Everything a command may use. Each store is opened when it is first needed and closed when the program ends. */
export interface Context extends InputContext {
  readonly version: string
  /** A sentence about what the command has changed. It is printed if the result cannot be printed. */
  changed: { readonly text: string; readonly id?: string | undefined } | undefined

  /** Reads the settings again, with these flags over those of the command line. */
  overrideSettings(flags: SettingFlags, readOptions?: ReadOptions): void
  /**
   * Saves settings in a profile. Undefined removes one. Throws `invalid` for a value that the setting does not accept.
   */
  saveProfile(name: string, values: Readonly<Record<string, string | undefined>>): Promise<void>
  useProfile(name: string): Promise<void>
  /** Closes the stores. The next use opens them again, with the current settings and token. */
  reopen(): Promise<void>

  /** The records alone. The caller's identity is looked up while Postgres connects. */
  records(roles: readonly Role[]): Promise<{ caller: Caller; records: Records }>
  /** Both stores. `concurrently` runs while the caller's identity is looked up. */
  stores(roles: readonly Role[], concurrently?: (stores: Pick<Stores, 'secrets'>) => Promise<void>): Promise<Stores>
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

  /**
   * Declares that the command changes nothing before its uninterruptible part. The message of an interruption before
   * that part then says that nothing was changed.
   */
  readOnlyUntilCommit(): void
  /** Runs an operation that must not stop halfway. An interruption waits until the current step has ended. */
  uninterruptible<T>(operation: () => Promise<T>): Promise<T>
  /**
   * Runs a part of an uninterruptible operation before anything is changed. An interruption may stop this part at once.
   */
  interruptible<T>(work: () => Promise<T>): Promise<T>

  /** Prints a result in `format`, or in the format that the settings name. */
  print<T extends object>(view: View<T>, format?: OutputFormat): Promise<void>
  close(): Promise<void>
}
