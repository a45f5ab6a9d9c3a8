import { sourceTypes } from '../../../src/source-types/index.ts'
import { dsctl } from '../../support/run.ts'
import { table } from './markdown.ts'

/** The help of a command, taken apart. */
interface Help {
  readonly usage: string
  readonly summary: string
  readonly lists: Readonly<Record<string, readonly Item[]>>
  /** What follows the lists: paragraphs, and examples. */
  readonly notes: string
  readonly examples: string
}

/** An argument, an option or a command, with its description. */
type Item = readonly [term: string, description: string]

/** docs/reference/commands.md, made from the help of each command. */
export async function commandsPage(): Promise<string> {
  const program = await helpOf([])
  const sections = await Promise.all(subcommands(program).map(([name]) => commandSections([name])))
  return `# Commands

\`dsctl COMMAND --help\` shows the same. \`dsctl help exit-codes\`, \`environment\`, \`secrets\` and \`formats\` explain what all
commands share. Flags work before and after the command's name.

REF is a data source's name or its UUID.

${table(
  ['command', 'purpose'],
  subcommands(program).map(([name, purpose]) => [`[\`${name}\`](#dsctl-${name})`, purpose]),
)}
## Flags of every command

${items('flag', program.lists.Options ?? [])}${sections.flat().join('')}`
}

/** The section of a command and those of its subcommands, which do not repeat its notes and examples. */
async function commandSections(words: readonly string[], parent?: Help): Promise<readonly string[]> {
  const help = await helpOf(words)
  const sections = [sectionOf(words, help, parent)]
  for (const [name] of subcommands(help)) sections.push(...(await commandSections([...words, name], help)))
  return sections
}

function sectionOf(words: readonly string[], help: Help, parent: Help | undefined): string {
  const options = withoutFields(help.lists.Options ?? []).filter(([term]) => term !== '-h, --help')
  const examples = help.examples === parent?.examples ? '' : help.examples
  const parts = [
    `${words.length > 1 ? '###' : '##'} dsctl ${words.join(' ')}`,
    help.summary,
    `\`\`\`text\n${help.usage}\n\`\`\``,
    items('argument', help.lists.Arguments ?? []),
    items('flag', options),
    help.notes === parent?.notes ? '' : help.notes,
    examples && `\`\`\`sh\n${examples}\n\`\`\``,
  ]
  return `\n${parts.flatMap(part => part.trim() || []).join('\n\n')}\n`
}

/** The commands that the help lists, without aliases and arguments: `list|ls` is `list`. */
function subcommands({ lists }: Help): readonly Item[] {
  const named = (lists.Commands ?? []).map(([term, description]): Item => [term.split(/[| ]/)[0] ?? term, description])
  return named.filter(([name]) => name !== 'help')
}

/** Replaces the flags of all fields of all types with one line. docs/reference/types.md has the fields. */
function withoutFields(options: readonly Item[]): readonly Item[] {
  const fields = new Set(sourceTypes.flatMap(({ fields }) => Object.keys(fields)))
  const others = options.filter(([term]) => !fields.has(/^--([\w-]+)/.exec(term)?.[1]?.replaceAll('-', '_') ?? ''))
  // login has a --username and a --role of its own.
  if (options.length - others.length < fields.size / 2) return options
  return [...others, ['--FIELD <value>', 'a field of the type, for instance --host: see [Types](types.md)']]
}

async function helpOf(words: readonly string[]): Promise<Help> {
  const { stdout } = await dsctl([...words, '--help'])
  const [usage = '', summary = '', ...rest] = stdout.trim().split(/\n\n/)
  const lists: Record<string, readonly Item[]> = {}
  const notes: string[] = []
  let examples = ''
  for (const part of rest) {
    const [, title, body] = /^([A-Z][\w ]*):\n(.*)$/s.exec(part) ?? []
    if (title === 'Examples') examples = outdent(body ?? '')
    else if (title !== undefined && body !== undefined) lists[title] = itemsOf(body)
    else notes.push(part.replaceAll('\n', ' '))
  }
  return {
    usage: usage.replace('Usage: ', ''),
    summary: summary.replaceAll('\n', ' '),
    lists,
    notes: notes.join('\n\n'),
    examples,
  }
}

/** The items of a list; a description goes on in lines that are indented further. */
function itemsOf(body: string): readonly Item[] {
  return body.split(/\n(?= {2}\S)/).map(item => {
    const [, term = '', description = ''] = /^ {2}(\S.*?)(?:\s{2,}(.*))?$/s.exec(item) ?? []
    return [term, description.replace(/\s+/g, ' ').trim()]
  })
}

function items(head: string, list: readonly Item[]): string {
  const rows = list.map(([term, description]) => [`\`${term}\``, description])
  return list.length ? table([head, 'meaning'], rows) : ''
}

function outdent(text: string): string {
  return text.replace(/^ {2}/gm, '').trim()
}
