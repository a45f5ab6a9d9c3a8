import type { Argument, Command, Option } from 'commander'
import { defineNow } from '../lazy-command.ts'
import { isRepeatable } from '../repeatable.ts'
import { type CompletionValues, completionValues } from './values.ts'

/** A possible completion of a word. */
export interface CompletionCandidate {
  readonly value: string
  /** A short description; may be empty. */
  readonly description: string
}

export interface Completion {
  readonly candidates: readonly CompletionCandidate[]
  /** Whether the shell should complete paths of files. */
  readonly files: boolean
}

/** Completes the last word. `profiles` returns the names of the existing profiles. */
export async function complete(
  program: Command,
  words: readonly string[],
  profiles: () => readonly string[],
): Promise<Completion> {
  const word = words.at(-1) ?? ''
  const place = await findPlace(program, words.slice(0, -1))
  const [, prefix = '', start = word] = /^(--[a-z-]+=)(.*)$/s.exec(place.option ? '' : word) ?? []
  const option = place.option ?? (prefix ? optionOf(place.command, prefix.slice(0, -1)) : undefined)
  if (option) return values(completionValues(option), { start, prefix, profiles })
  if (word.startsWith('-')) return { candidates: place.onlyArguments ? [] : flags(place, word), files: false }
  const commands = commandsAt(place, word)
  if (commands.length) return { candidates: commands, files: false }
  const argument = argumentAt(place)
  const found = argument ? values(completionValues(argument), { start, prefix, profiles }) : NOTHING
  if (found.files || found.candidates.length || word !== '' || place.onlyArguments) return found
  return { candidates: flags(place, ''), files: false }
}

/** The position of the word to complete. */
interface CursorPosition {
  readonly command: Command
  /** The option whose value is being completed, if any. */
  readonly option: Option | undefined
  /** The number of arguments before the word to complete. */
  readonly position: number
  /** Whether the word is after `--`. */
  readonly onlyArguments: boolean
  readonly given: readonly string[]
}

const NOTHING: Completion = { candidates: [], files: false }

async function findPlace(program: Command, words: readonly string[]): Promise<CursorPosition> {
  const { command } = positionAfter(program, words)
  if (command === program) return positionAfter(program, words)
  await defineNow(command)
  const place = positionAfter(program, words)
  readOptions(place)
  return place
}

/** Lets commander parse the options so far. With `--type`, only the fields of that type are completed. */
function readOptions({ command, given }: CursorPosition): void {
  try {
    command.parseOptions([...given])
  } catch {
    // Ignore a wrong value: the command itself will report it.
  }
}

function positionAfter(program: Command, words: readonly string[]): CursorPosition {
  let place: CursorPosition = { command: program, option: undefined, position: 0, onlyArguments: false, given: words }
  for (const word of words) place = { ...place, ...step(place, word) }
  return place
}

function step(place: CursorPosition, word: string): Partial<CursorPosition> {
  const { command, option, position, onlyArguments } = place
  const isFlag = word.startsWith('-') && !onlyArguments
  // An option that takes several values takes them up to the next flag.
  if (option && (!option.variadic || !isFlag)) return { option: option.variadic ? option : undefined }
  if (word === '--') return { onlyArguments: true, option: undefined }
  if (isFlag) {
    const found = word.includes('=') ? undefined : optionOf(command, word)
    return { option: found?.required || found?.optional ? found : undefined }
  }
  const inside =
    position === 0 ? command.commands.find(each => [each.name(), ...each.aliases()].includes(word)) : undefined
  return inside ? { command: inside } : { position: position + 1 }
}

function optionOf(command: Command, flag: string): Option | undefined {
  const found = command.options.find(({ long, short }) => long === flag || short === flag)
  return found ?? (command.parent ? optionOf(command.parent, flag) : undefined)
}

function argumentAt({ command, position }: CursorPosition): Argument | undefined {
  const { registeredArguments } = command
  const last = registeredArguments.at(-1)
  return registeredArguments[position] ?? (last?.variadic ? last : undefined)
}

function commandsAt({ command, position }: CursorPosition, start: string): readonly CompletionCandidate[] {
  if (position > 0) return []
  // `dsctl help` takes the name of another command.
  const from = command.name() === 'help' && command.parent ? command.parent : command
  const found = from.createHelp().visibleCommands(from)
  return found
    .map(each => ({ value: each.name(), description: each.summary() || each.description() }))
    .filter(({ value }) => value.startsWith(start))
}

function flags({ command, given }: CursorPosition, start: string): readonly CompletionCandidate[] {
  const help = command.createHelp()
  const all = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)]
  return all.flatMap(option => {
    const { long, short, description } = option
    const value = long ?? short ?? ''
    const isGiven = !isRepeatable(option, command) && given.some(word => word === long || word === short)
    return value.startsWith(start) && !isGiven ? [{ value, description }] : []
  })
}

function values(
  source: CompletionValues,
  { start, prefix, profiles }: { start: string; prefix: string; profiles: () => readonly string[] },
): Completion {
  if (source === 'files') return { candidates: [], files: true }
  const all = source === 'profiles' ? profiles() : source
  const candidates = all
    .filter(value => value.startsWith(start))
    .map(value => ({ value: prefix + value, description: '' }))
  return { candidates, files: false }
}
