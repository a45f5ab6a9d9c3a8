import type { Command, CommanderError } from 'commander'
import { type DsctlError, type FieldProblem, invalid } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { SETTING_KEYS, type SettingKey } from '../settings/keys.ts'
import { otherWordHint } from './other-words.ts'
import { repetitionProblem } from './repeatable.ts'

/**
 * Throws `invalid` if an option or an argument is empty, as in `--env "$UNSET"`, or is not UTF-8 text, or if an option
 * that takes one value was given several times.
 */
export function checkValues(command: Command): void {
  const problems = [...optionProblems(command), ...argumentProblems(command)]
  if (problems.length) throw invalid('Invalid command line.', problems)
}

/** Converts an error of commander. Removes anything that may be a secret, such as the value in `--pasword=…`. */
export function usageError({ code, message }: CommanderError, words: string): DsctlError {
  if (code === 'commander.help') return invalid('Missing command.', [], `Run ${words} --help to see the commands.`)
  const choices =
    /^error: option '[^']*--([a-z-]+)[^']*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s.exec(message)
  if (choices) {
    const [, field = '', value = '', names = ''] = choices
    const near = didYouMean(value, names.split(', '))
    return invalid('Invalid command line.', [{ field, message: `must be one of ${names}${near}` }])
  }
  const suggestion = /\n\((Did you mean [^\n]*\?)\)$/.exec(message)
  const text = message.slice('error: '.length, suggestion?.index)
  const safe = text.replace(/^(unknown option '(?:--[^=]*|-[^-])).*$/s, "$1'").replace(/''$/, "'")
  const hint = initOnlyHint(safe) ?? renamedHint(safe, words) ?? otherWordHint(safe, words) ?? suggestion?.[1]
  return invalid(sentence(safe), [], hint ?? `Run ${words} --help to see the usage.`)
}

/** Capitalizes the first letter and adds a full stop if there is none. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
}

function optionProblems(command: Command): FieldProblem[] {
  const all = [command, ...parentsOf(command)].flatMap(each => each.options.map(option => ({ each, option })))
  return all.flatMap(({ each, option }) => {
    const repeated = repetitionProblem(option, command)
    if (repeated) return [repeated]
    const key = option.attributeName()
    if (each.getOptionValueSource(key) !== 'cli') return []
    const message = valueProblem(each.getOptionValue(key))
    // checkName and checkEnv report an empty --set-name and --set-env, under the names that a request file uses.
    const isCheckedLater = option.name().startsWith('set-') && message === EMPTY
    return message === undefined || isCheckedLater ? [] : [{ field: option.name(), message }]
  })
}

function argumentProblems({ registeredArguments, processedArgs }: Command): FieldProblem[] {
  return registeredArguments.flatMap((argument, at) => {
    const message = valueProblem(processedArgs[at])
    return message === undefined ? [] : [{ field: argument.name(), message }]
  })
}

const EMPTY = 'must not be empty'

function valueProblem(value: unknown): string | undefined {
  const values: readonly unknown[] = [value].flat()
  if (values.includes('')) return EMPTY
  // Node replaces bytes that are not UTF-8 with U+FFFD.
  return values.some(each => typeof each === 'string' && each.includes('\ufffd')) ? 'is not UTF-8 text' : undefined
}

function parentsOf(command: Command): Command[] {
  return command.parent ? [command.parent, ...parentsOf(command.parent)] : []
}

/** For an option that only `init` has, a hint that says how to set it for other commands. */
function initOnlyHint(message: string): string | undefined {
  const flag = /^unknown option '--([a-z-]+)'/.exec(message)?.[1]
  const keys: readonly SettingKey[] = SETTING_KEYS
  const setting = keys.find(key => key.flag?.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`) === flag)
  if (!flag || !setting) return undefined
  return `Only dsctl init has --${flag}. Set ${setting.env[0]}, or run dsctl config set ${setting.key} VALUE.`
}

/** A hint for an option that dsctl names differently than other tools do. */
function renamedHint(message: string, words: string): string | undefined {
  if (words === 'dsctl update' && message.startsWith("unknown option '--name'"))
    return 'Pass --set-name NAME to rename the data source.'
  const lacksFile = /^required option '-f, --file/.test(message)
  return lacksFile ? `Pass files and folders with -f: ${words} -f sources/` : undefined
}
