import { Command, CommanderError } from 'commander'
import { wordsToComplete } from './cli/completion/words.ts'
import type { Context } from './cli/context.ts'
import { addGlobalOptions, WITH_VALUE } from './cli/global-options.ts'
import { helpLayout } from './cli/help.ts'
import { checkGiven, checkText, sentence, usageError } from './cli/usage.ts'
import { type DsctlError, invalid } from './domain/errors.ts'
import type { OutputFormat } from './domain/output-format.ts'
import { findClosest } from './lib/did-you-mean.ts'

/** What each file of commands/ exports: it adds arguments, options, examples and the action to its command. */
export interface CommandModule {
  define(command: Command, context: Context, args: readonly string[]): void
}

interface Verb {
  readonly name: string
  readonly alias?: string
  readonly summary: string
  /** Where the general help lists it, if not among the commands. */
  readonly group?: string
  /** Not for people. */
  readonly hidden?: boolean
  /** Imported when the command is meant, so that no other pays for it. */
  readonly load: () => Promise<CommandModule>
}

const VERBS: readonly Verb[] = [
  { name: 'create', summary: 'create a data source', load: () => import('./commands/create.ts') },
  { name: 'list', alias: 'ls', summary: 'list data sources', load: () => import('./commands/list.ts') },
  { name: 'get', summary: 'show a data source, secrets redacted', load: () => import('./commands/get.ts') },
  { name: 'update', summary: 'change a data source', load: () => import('./commands/update.ts') },
  { name: 'delete', alias: 'rm', summary: 'delete data sources', load: () => import('./commands/delete.ts') },
  { name: 'test', summary: 'test whether it connects', load: () => import('./commands/test.ts') },
  {
    name: 'onboarding',
    summary: 'move the onboarding status of a data source',
    load: () => import('./commands/onboarding.ts'),
  },
  { name: 'apply', summary: 'create and change data sources as files say', load: () => import('./commands/apply.ts') },
  { name: 'diff', summary: 'show what apply would do', load: () => import('./commands/diff.ts') },
  { name: 'export', summary: 'write data sources as requests', load: () => import('./commands/export.ts') },
  { name: 'template', summary: 'keep presets of fields', load: () => import('./commands/template.ts') },
  { name: 'types', summary: 'list the types, or the fields of one', load: () => import('./commands/types.ts') },
  {
    name: 'init',
    summary: 'prepare a database and Vault, and save a profile',
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'doctor',
    summary: 'check both stores, and settle what is unfinished',
    load: () => import('./commands/doctor.ts'),
  },
  { name: 'login', summary: 'log in to Vault', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'revoke the token of the last login', load: () => import('./commands/logout.ts') },
  { name: 'whoami', summary: 'show who you are, and where', load: () => import('./commands/whoami.ts') },
  { name: 'member', summary: 'list and change the members', load: () => import('./commands/member.ts') },
  { name: 'audit', summary: 'show what was done, and by whom', load: () => import('./commands/audit.ts') },
  { name: 'config', summary: 'show and change settings', load: () => import('./commands/config.ts') },
  {
    name: 'completion',
    summary: 'print what completes dsctl in a shell',
    load: () => import('./commands/completion.ts'),
  },
  { name: '__complete', summary: '', hidden: true, load: () => import('./commands/complete.ts') },
  ...topics({
    'exit-codes': 'what the exit codes mean, and how errors look',
    environment: 'the environment variables that dsctl heeds',
    secrets: 'where secrets come from',
    formats: 'how output is printed',
  }),
]

function topics(summaries: Readonly<Record<string, string>>): Verb[] {
  const load = () => import('./commands/topic.ts')
  return Object.entries(summaries).map(([name, summary]) => ({ name, summary, group: 'Help topics:', load }))
}

/** The command tree. Only the command that `args` name is defined in full. */
export async function buildProgram(context: Context, args: readonly string[]): Promise<Command> {
  checkText(args)
  const program = new Command('dsctl')
    .description("Manage an analytics application's data sources: records in Postgres, credentials in Vault.")
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command or a topic')
    .showSuggestionAfterError(true)
  configure(program, context)
  addGlobalOptions(program)
  const meant = [commandWord(args), commandWord(wordsToComplete(args) ?? [])]
  for (const verb of VERBS) {
    const command = program
      .command(verb.name, { hidden: verb.hidden === true })
      .summary(verb.summary)
      .description(sentence(verb.summary))
    if (verb.alias) command.alias(verb.alias)
    if (verb.group) command.helpGroup(verb.group)
    configure(command, context)
    if (meant.some(word => isNameOf(verb, word))) (await verb.load()).define(command, context, args)
  }
  program.hook('preAction', (_, command) => {
    checkGiven(command)
    const flags = command.optsWithGlobals()
    context.flags = flags
    Object.assign(context.streams.options ?? {}, talkFlags(flags))
  })
  return program
}

/** commander's own ending: undefined for help and version, else a usage error without anything that may be a secret. */
export function fromCommander(error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error
  if (error.exitCode === 0) return undefined
  const word = commandWord(args)
  const known = VERBS.some(verb => isNameOf(verb, word))
  // `dsctl help WORD`, of which commander says nothing but the general help.
  if (error.code === 'commander.help' && word !== undefined && !known) return unknownCommand(word)
  return usageError(error, wordsOf(raisedBy.get(error)))
}

/** Which command, or command of a command, a usage error is of. */
const raisedBy = new WeakMap<CommanderError, Command>()

function wordsOf(command: Command | null | undefined): string {
  return command ? `${command.parent ? `${wordsOf(command.parent)} ` : ''}${command.name()}` : 'dsctl'
}

function unknownCommand(word: string): DsctlError {
  const near = findClosest(
    word,
    VERBS.filter(({ hidden }) => !hidden).map(({ name }) => name),
  )
  return invalid(
    `Unknown command '${word}'.`,
    [],
    near ? `Did you mean ${near}?` : 'dsctl --help shows those there are.',
  )
}

/** How to print an error, even one in the command line itself; `stored` is what the profile says, if that can be read. */
export function errorFormat(
  all: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stored: () => string | undefined,
): OutputFormat {
  const args = all.includes('--') ? all.slice(0, all.indexOf('--')) : all
  const given = args.map((arg, at) =>
    /^(-o|--output)$/.test(arg) ? args[at + 1] : /^(?:-o|--output=)(.+)$/.exec(arg)?.[1],
  )
  const format = given.findLast(value => value !== undefined) ?? (env.DSCTL_OUTPUT || stored())
  return format === 'json' ? 'json' : 'table'
}

function isNameOf({ name, alias }: Verb, word: string | undefined): boolean {
  return word !== undefined && [name, alias].includes(word)
}

function configure(command: Command, { streams }: Context): void {
  cutGluedValues(command)
  command
    .exitOverride(function (this: Command, error) {
      raisedBy.set(error, this)
      throw error
    })
    .configureOutput({
      writeOut: text => void streams.stdout.write(text),
      writeErr: () => {}, // the help of a command that lacks its subcommand: main tells that, too
      outputError: () => {}, // main tells it, as every other error
    })
    .configureHelp(helpLayout(Math.min(streams.stdout.columns ?? 80, 100)))
}

/** The command's name: the first word that is no option and no option's value. */
function commandWord(args: readonly string[]): string | undefined {
  const words = args.filter((arg, at) => !arg.startsWith('-') && !WITH_VALUE.includes(args[at - 1] ?? ''))
  return words[0] === 'help' ? words[1] : words[0]
}

/** Suggests the right flag even where a value is stuck to the wrong one, which must not come into any message. */
function cutGluedValues(command: Command): void {
  const inside = command as unknown as { unknownOption(flag: string): void }
  const tell = inside.unknownOption.bind(command)
  inside.unknownOption = flag => tell(/^(?:--[^=]*|-.?)/s.exec(flag)?.[0] ?? '')
}

function talkFlags(flags: Readonly<Record<string, unknown>>) {
  const { input, color, quiet, verbose } = flags
  return { noInput: input === false, noColor: color === false, quiet: quiet === true, verbose: verbose === true }
}
