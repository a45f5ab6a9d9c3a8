import { Argument, type Command, Option } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { MAY } from '../operations/authorize.ts'
import { changeMember, listMembers, parseMemberChange } from '../operations/member.ts'
import { ROLES } from '../ports/caller.ts'
import type { MemberChange } from '../ports/members.ts'
import { membersView, memberView } from '../views/member.ts'

/** `dsctl member list|add|set-role|remove`. */
export function define(command: Command, context: Context): void {
  const sub = (name: string, summary: string) =>
    command.command(name).summary(summary).description(summary).copyInheritedSettings(command)
  const change = (name: string, summary: string) =>
    sub(name, summary).argument('<email>').option('--force', 'even where an application made the tables')
  sub('list', 'list the members of the organization').action(() => list(context))
  change('add', 'make somebody a member')
    .addOption(withCompletion(new Option('--role <role>', `one of ${ROLES.join(', ')}`), ROLES).makeOptionMandatory())
    .option('--name <name>', 'the name of a person that is new to the application')
    .action((email: string) => alter(context, 'add', email))
  change('set-role', 'give a member another role')
    .addArgument(withCompletion(new Argument('<role>', `one of ${ROLES.join(', ')}`), ROLES))
    .action((email: string, role: string) => alter(context, 'set-role', email, role))
  change('remove', 'end a membership').action((email: string) => alter(context, 'remove', email))
  command.addHelpText('afterAll', EXAMPLES)
}

async function list(context: Context): Promise<void> {
  await context.print(membersView(await listMembers(await context.members(MAY.read))))
}

async function alter(context: Context, kind: MemberChange['kind'], email: string, role?: string): Promise<void> {
  const { flags } = context
  const name = typeof flags.name === 'string' ? flags.name : undefined
  const change = parseMemberChange(kind, { email, role: role ?? flags.role, name })
  const { kind: outcome, member } = await changeMember(
    await context.members(MAY.administer),
    change,
    flags.force === true,
  )
  if (outcome !== 'unchanged') context.changed = { text: 'The member was changed all the same.' }
  else context.note('Nothing changed: it is so already.')
  if (kind === 'remove') return context.note(`Removed ${member.email}.`)
  await context.print(memberView(member))
}

const EXAMPLES = `
Where an application made the tables, its members are its own business.

Examples:
  dsctl member list
  dsctl member add bob@example.com --role viewer --name Bob
  dsctl member set-role bob@example.com data_admin
  dsctl member remove bob@example.com
`
