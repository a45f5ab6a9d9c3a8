import type { Command, Option } from 'commander'
import type { FieldProblem } from '../domain/errors.ts'
import { splitList } from '../lib/split-list.ts'

const counts = new WeakMap<Option, number>()
const repeatableOptions = new WeakSet<Option>()
const withSeveralEnvs = new WeakSet<Command>()

/** Lets an option be given several times. Its value is the list of all values. */
export function repeatable(option: Option): Option {
  repeatableOptions.add(option)
  return option.argParser(collect)
}

/** Like `repeatable`, for a filter that matches any of its values. Values can also be separated by commas. */
export function anyOf(option: Option): Option {
  const { parseArg } = option
  repeatableOptions.add(option)
  return option.argParser((list: string, earlier: readonly unknown[] = []) => [
    ...earlier,
    ...splitList(list).map(value => (parseArg ? parseArg(value, undefined) : value)),
  ])
}

/** Parses an option by collecting its values. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}

/** Lets the global option `--env` be given several times with this command. */
export function acceptSeveralEnvs(command: Command): void {
  withSeveralEnvs.add(command)
}

/** Whether an option, which may be a global one, can be given several times with this command. */
export function isRepeatable(option: Option, command: Command): boolean {
  if (option.variadic || repeatableOptions.has(option)) return true
  return option.name() === 'env' && withSeveralEnvs.has(command)
}

/** Counts how often each option of a command and its subcommands is given. Call this after the options are declared. */
export function countOptions(command: Command): void {
  for (const option of command.options) {
    command.on(`option:${option.name()}`, () => counts.set(option, (counts.get(option) ?? 0) + 1))
  }
  for (const each of command.commands) countOptions(each)
}

/** The problem with an option that takes one value but was given several times. */
export function repetitionProblem(option: Option, command: Command): FieldProblem | undefined {
  const count = counts.get(option) ?? 0
  const takesValue = option.required || option.optional
  if (count < 2 || !takesValue || isRepeatable(option, command)) return undefined
  return { field: option.name(), message: `was given ${count} times: pass it once` }
}
