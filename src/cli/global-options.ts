import { type Command, Option } from 'commander'
import { invalid } from '../domain/errors.ts'
import { OUTPUT_FORMATS, type OutputFormat } from '../domain/output-format.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { clientTimeoutMs } from '../settings/client-timeout.ts'
import type { SettingFlags } from '../settings/keys.ts'
import type { Settings } from '../settings/settings.ts'
import type { TerminalOptions } from '../terminal/streams.ts'
import { withCompletion } from './completion/values.ts'
import { collect } from './repeatable.ts'

/** The options that every command takes, before or after its name. */
export interface GlobalOptions extends TerminalOptions {
  readonly profile?: string
  readonly org?: string
  /** Every `--env`. Commands that call `acceptSeveralEnvs` take several. */
  readonly env?: readonly string[]
  readonly user?: string
  readonly output?: string
  /** Seconds, as typed. */
  readonly timeout?: string
}

/** Declares the global options. */
export function addGlobalOptions(program: Command): void {
  program
    .addOption(withCompletion(new Option('--profile <name>', 'the settings profile to use'), 'profiles'))
    .addOption(new Option('--org <name|uuid>', 'the organization'))
    .addOption(
      new Option('--env <env>', 'the env to select; for create, the env of the new data source').argParser(collect),
    )
    .addOption(new Option('--user <email>', 'act as this user, with a root token or if the Vault entity allows it'))
    .addOption(
      withCompletion(
        new Option('-o, --output <format>', `output format: ${OUTPUT_FORMATS.join(', ')}`),
        OUTPUT_FORMATS,
      ),
    )
    .addOption(new Option('--no-input', 'never prompt'))
    .addOption(new Option('--no-color', 'no colours'))
    .addOption(new Option('-q, --quiet', 'print only data and errors'))
    .addOption(new Option('-v, --verbose', 'print each backend call and its duration to stderr'))
    .addOption(
      new Option('--timeout <seconds>', 'the timeout of each backend call (default: VAULT_CLIENT_TIMEOUT, or 10)'),
    )
}

/** The global options that override settings. */
export function settingFlags({ profile, org, env, user, output }: GlobalOptions): SettingFlags {
  return { profile, org, env: env?.at(-1), user, output }
}

/** The output format. Throws `invalid` if the setting names an unknown one. */
export function outputFormat(settings: Settings): OutputFormat {
  const { value = 'table', source } = settings.all.find(({ key }) => key === 'output') ?? {}
  const format = OUTPUT_FORMATS.find(known => known === value)
  if (format) return format
  throw invalid('Unknown output format.', [
    {
      field: 'output',
      message: `must be one of ${OUTPUT_FORMATS.join(', ')} (from: ${source})${didYouMean(value, OUTPUT_FORMATS)}`,
    },
  ])
}

const DEFAULT_TIMEOUT_MS = 10_000

/**
 * The timeout of one backend call in milliseconds, from --timeout or VAULT_CLIENT_TIMEOUT. Throws `invalid` unless it is
 * between 0 and 3600 seconds.
 */
export function timeoutMs({ timeout }: GlobalOptions, env: Readonly<Record<string, string | undefined>>): number {
  if (timeout === undefined) return clientTimeoutMs(env) ?? DEFAULT_TIMEOUT_MS
  const seconds = Number(timeout)
  if (seconds > 0 && seconds <= 3600) return seconds * 1000
  const message = 'must be a number of seconds, more than 0 and at most 3600'
  // Other tools often use 0 for no limit.
  const hint = seconds === 0 ? 'For the longest timeout, pass --timeout 3600.' : undefined
  throw invalid('Invalid timeout.', [{ field: 'timeout', message }], hint)
}
