import { type Command, Option } from 'commander'
import { invalid } from '../domain/errors.ts'
import { OUTPUT_FORMATS, type OutputFormat } from '../domain/output-format.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import type { Settings } from '../settings/settings.ts'
import { withCompletion } from './completion/values.ts'
import type { Flags } from './context.ts'

/** The options that every command takes, before and after its name. */
export function addGlobalOptions(program: Command): void {
  program
    .addOption(withCompletion(new Option('--profile <name>', 'use this profile of settings'), 'profiles'))
    .addOption(new Option('--org <name|uuid>', 'the organization'))
    .addOption(new Option('--env <env>', 'which env: to look in, and on create that of the new data source'))
    .addOption(new Option('--user <email>', 'who is asking; with a root token, or where the Vault entity allows it'))
    .addOption(
      withCompletion(new Option('-o, --output <format>', `how to print: ${OUTPUT_FORMATS.join(', ')}`), OUTPUT_FORMATS),
    )
    .addOption(new Option('--no-input', 'never ask'))
    .addOption(new Option('--no-color', 'no colours'))
    .addOption(new Option('-q, --quiet', 'no notes, only data and errors'))
    .addOption(new Option('-v, --verbose', 'tell each backend call and its duration on stderr'))
    .addOption(new Option('--timeout <seconds>', 'for each backend call').default('10', '10'))
}

/** Those of the options above that take a value: whoever looks for the command's name must skip it. */
export const WITH_VALUE = ['--profile', '--org', '--env', '--user', '-o', '--output', '--timeout']

/** How to print; throws `invalid` for a format there is none of. */
export function outputFormat(settings: Settings): OutputFormat {
  const { value = 'table', source } = settings.all.find(({ key }) => key === 'output') ?? {}
  const format = OUTPUT_FORMATS.find(known => known === value)
  if (format) return format
  throw invalid('There is no such output format.', [
    {
      field: 'output',
      message: `must be one of ${OUTPUT_FORMATS.join(', ')} (from: ${source})${didYouMean(value, OUTPUT_FORMATS)}`,
    },
  ])
}

/** How to print the answer of the command at hand: as a table where a setting asks for what it has none of. */
export function answerFormat(settings: Settings, { answerHasNo }: Flags): OutputFormat {
  const format = outputFormat(settings)
  return Array.isArray(answerHasNo) && answerHasNo.includes(format) ? 'table' : format
}

/** The time-out of one backend call; throws `invalid` unless it is a number of seconds up to an hour. */
export function timeoutMs(flags: Flags): number {
  const seconds = Number(flags.timeout ?? 10)
  if (seconds > 0 && seconds <= 3600) return seconds * 1000
  const message = 'must be a number of seconds, more than 0 and at most 3600'
  // Elsewhere 0 often stands for no limit.
  const hint =
    seconds === 0 ? 'To wait for as long as may be, say --timeout 3600; without it dsctl waits 10.' : undefined
  throw invalid('The time-out cannot be used.', [{ field: 'timeout', message }], hint)
}
