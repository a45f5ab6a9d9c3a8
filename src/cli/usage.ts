import type { Command, CommanderError } from 'commander'
import { type DsctlError, type FieldProblem, invalid } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { SETTING_KEYS, type SettingKey } from '../settings/keys.ts'

/** Throws `invalid` if an option or an argument is empty, as in `--env "$UNSET"`, or is not UTF-8 text. */
export function checkValues(command: Command): void {
  const problems = [...optionProblems(command), ...argumentProblems(command)]
  if (problems.length) throw invalid('Invalid command line.', problems)
}

/** Commander's messages quote what it does not know, which may be a secret stuck to its flag: `--pasword=…`. */
export function usageError({ code, message }: CommanderError, words: string): DsctlError {
  if (code === 'commander.help') return invalid('A command is missing.', [], 'With --help you see those there are.')
  const choices =
    /^error: option '[^']*--([a-z-]+)[^']*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s.exec(message)
  if (choices) {
    const [, field = '', value = '', names = ''] = choices
    const near = didYouMean(value, names.split(', '))
    return invalid('An option has a wrong value.', [{ field, message: `must be one of ${names}${near}` }])
  }
  const suggestion = /\n\((Did you mean [^\n]*\?)\)$/.exec(message)
  const text = message.slice('error: '.length, suggestion?.index)
  const safe = text.replace(/^(unknown option '(?:--[^=]*|-[^-])).*$/s, "$1'").replace(/''$/, "'")
  const hint = ofInitAlone(safe) ?? ofElsewhere(safe, words) ?? suggestion?.[1]
  return invalid(sentence(safe), [], hint ?? `${words} --help shows what there is.`)
}

/** A text with a capital at its beginning and a full stop at its end. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
}

function optionProblems(command: Command): FieldProblem[] {
  const all = [command, ...parentsOf(command)].flatMap(each => each.options.map(option => ({ each, option })))
  return all.flatMap(({ each, option }) => {
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
  // Node replaces bytes that are not UTF-8 by U+FFFD.
  return values.some(each => typeof each === 'string' && each.includes('\ufffd')) ? 'is not UTF-8 text' : undefined
}

function parentsOf(command: Command): Command[] {
  return command.parent ? [command.parent, ...parentsOf(command.parent)] : []
}

/** Where a setting is `init`'s flag alone, how to give it elsewhere. */
function ofInitAlone(message: string): string | undefined {
  const flag = /^unknown option '--([a-z-]+)'/.exec(message)?.[1]
  const keys: readonly SettingKey[] = SETTING_KEYS
  const setting = keys.find(key => key.flag?.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`) === flag)
  if (!flag || !setting) return undefined
  return `--${flag} is a flag of dsctl init. Elsewhere: ${setting.env[0]}, or dsctl config set ${setting.key} VALUE.`
}

/** What other tools call it, or where it goes. */
function ofElsewhere(message: string, words: string): string | undefined {
  if (words === 'dsctl update' && message.startsWith("unknown option '--name'"))
    return '--set-name NAME gives a new name.'
  const lacksFile = /^required option '-f, --file/.test(message)
  return lacksFile ? `Files and folders go after -f: ${words} -f sources/` : undefined
}
