import { Command } from 'commander'
import type { Context } from './cli/context.ts'
import { addGlobalOptions } from './cli/global-options.ts'
import { helpLayout } from './cli/help.ts'
import { addHelpCommand } from './cli/help-command.ts'
import { defineNow, defineOnUse } from './cli/lazy-command.ts'
import { countOptions } from './cli/repeatable.ts'
import { checkValues, sentence, usageError } from './cli/usage.ts'

/**
 * The export of each file in commands/: a function that adds arguments, options, examples and the action to a command.
 */
export interface CommandModule {
  define(command: Command, context: Context): void
}

interface Verb {
  readonly name: string
  readonly alias?: string
  readonly summary: string
  /** The heading under which the general help lists it. By default it is listed with the commands. */
  readonly group?: string
  /** Whether help leaves it out. */
  readonly hidden?: boolean
  /** Loads the command. Called only when the command is used, which keeps the start of others fast. */
  readonly load: () => Promise<CommandModule>
}

const VERBS: readonly Verb[] = [
  { name: 'create', summary: 'create a data source', load: () => import('./commands/create.ts') },
  { name: 'list', alias: 'ls', summary: 'list data sources', load: () => import('./commands/list.ts') },
  { name: 'get', summary: 'show a data source with its secrets redacted', load: () => import('./commands/get.ts') },
  { name: 'update', summary: 'change a data source', load: () => import('./commands/update.ts') },
  { name: 'delete', alias: 'rm', summary: 'delete data sources', load: () => import('./commands/delete.ts') },
  { name: 'test', summary: 'test the connections of data sources', load: () => import('./commands/test.ts') },
  {
    name: 'onboarding',
    summary: 'change the onboarding status of a data source',
    load: () => import('./commands/onboarding.ts'),
  },
  { name: 'apply', summary: 'create and change data sources from files', load: () => import('./commands/apply.ts') },
  { name: 'diff', summary: 'show what apply would do', load: () => import('./commands/diff.ts') },
  {
    name: 'export',
    summary: 'write data sources as JSON or YAML for apply',
    load: () => import('./commands/export.ts'),
  },
  { name: 'template', summary: 'manage templates of fields', load: () => import('./commands/template.ts') },
  { name: 'types', summary: 'list the types, or the fields of a type', load: () => import('./commands/types.ts') },
  {
    name: 'init',
    summary: 'prepare a database and Vault, and save a profile',
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'doctor',
    summary: 'check Postgres and Vault; with --fix, settle unfinished operations',
    load: () => import('./commands/doctor.ts'),
  },
  { name: 'login', summary: 'log in to Vault', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'revoke the saved token', load: () => import('./commands/logout.ts') },
  { name: 'whoami', summary: 'show your user, organization and role', load: () => import('./commands/whoami.ts') },
  { name: 'member', summary: 'list and change members', load: () => import('./commands/member.ts') },
  { name: 'audit', summary: 'show the audit trail', load: () => import('./commands/audit.ts') },
  { name: 'config', summary: 'show and change settings', load: () => import('./commands/config.ts') },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    load: () => import('./commands/completion.ts'),
  },
  { name: '__complete', summary: '', hidden: true, load: () => import('./commands/complete.ts') },
  ...topics({
    'exit-codes': 'exit codes and the format of errors',
    environment: 'environment variables',
    secrets: 'sources of secrets',
    formats: 'output formats',
  }),
]

function topics(summaries: Readonly<Record<string, string>>): Verb[] {
  const load = () => import('./commands/topic.ts')
  return Object.entries(summaries).map(([name, summary]) => ({ name, summary, group: 'Help topics:', load }))
}

/** Where help is printed. */
interface HelpOutput {
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** The program with its global options. Its `opts()` are complete once a command line has been parsed. */
export function createProgram(stdout: HelpOutput, version: string): Command {
  const program = new Command('dsctl')
    .description("Manage an analytics application's data sources: records in Postgres, credentials in Vault.")
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showSuggestionAfterError(true)
  configure(program, stdout)
  addGlobalOptions(program)
  countOptions(program)
  return program
}

/** Adds every command. A command is loaded when it is used. */
export function addCommands(program: Command, context: Context): void {
  for (const verb of VERBS) {
    const command = program
      .command(verb.name, { hidden: verb.hidden === true })
      .summary(verb.summary)
      .description(sentence(verb.summary))
    if (verb.alias) command.alias(verb.alias)
    if (verb.group) command.helpGroup(verb.group)
    configure(command, context.streams.stdout)
    defineOnUse(command, async () => {
      const { define } = await verb.load()
      define(command, context)
      countOptions(command)
    })
  }
  configure(addHelpCommand(program), context.streams.stdout)
  program.hook('preSubcommand', (_, command) => defineNow(command))
  program.hook('preAction', (_, command) => checkValues(command))
}

function configure(command: Command, stdout: HelpOutput): void {
  hideAttachedValues(command)
  command
    .exitOverride(function (this: Command, error) {
      throw error.exitCode === 0 ? error : usageError(error, commandWords(this))
    })
    .configureOutput({
      writeOut: text => void stdout.write(text),
      // run.ts prints every error.
      writeErr: () => {},
      outputError: () => {},
    })
    .configureHelp(helpLayout(Math.min(stdout.columns ?? 80, 100)))
}

/** For example `dsctl member add`. */
function commandWords(command: Command): string {
  return command.parent ? `${commandWords(command.parent)} ${command.name()}` : command.name()
}

/** A value attached to an unknown option (`--pasword=…`) may be a secret, so commander must not quote it. */
function hideAttachedValues(command: Command): void {
  const internal = command as unknown as { unknownOption(flag: string): void }
  const report = internal.unknownOption.bind(command)
  internal.unknownOption = flag => report(/^(?:--[^=]*|-.?)/s.exec(flag)?.[0] ?? '')
}
