import type { Command } from 'commander'
import { type DsctlError, invalid } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import { defineNow } from './lazy-command.ts'

/** Adds `dsctl help [COMMAND]`, because commander's own help command cannot wait until a command is loaded. */
export function addHelpCommand(program: Command): Command {
  return program
    .command('help [command]')
    .description('show help for a command or a topic')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action((name: string | undefined, _options: object, self: Command) => showHelp(program, name, self.args))
}

async function showHelp(program: Command, name: string | undefined, args: readonly string[]): Promise<void> {
  if (name === undefined) return program.outputHelp()
  const command = program.commands.find(each => [each.name(), ...each.aliases()].includes(name))
  if (!command) throw unknownCommand(program, name)
  await defineNow(command)
  command.parseOptions([...args]) // `dsctl help create --type TYPE` shows the fields of that type
  command.outputHelp()
}

function unknownCommand(program: Command, name: string): DsctlError {
  const names = program
    .createHelp()
    .visibleCommands(program)
    .map(command => command.name())
  const near = findClosest(name, names)
  return invalid(
    `Unknown command '${name}'.`,
    [],
    near ? `Did you mean ${near}?` : 'Run dsctl --help to see the commands.',
  )
}
