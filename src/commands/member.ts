import { Argument, type Command, Option } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { MAY } from '../operations/authorize.ts'
import { changeMember, listMembers } from '../operations/member.ts'
import { ROLES } from '../ports/caller.ts'
import type { MemberChange } from '../ports/members.ts'
import { readMemberChange } from '../requests/member-request.ts'
import { confirm } from '../requests/wizard/confirm.ts'
import { membersView, memberView } from '../views/member.ts'

interface Options {
  readonly force?: boolean
  readonly role?: string
  readonly name?: string
  readonly yes?: boolean
}

type Input = Options & { readonly email: string }

/** `dsctl member list|add|set-role|remove`. */
export function define(command: Command, context: Context): void {
  const sub = (name: string, summary: string) =>
    command.command(name).summary(summary).description(summary).copyInheritedSettings(command)
  const changing = (name: string, summary: string) =>
    sub(name, summary).argument('<email>').option('--force', 'change members even if an application created the tables')
  sub('list', 'list the members of the organization').action(() => list(context))
  changing('add', 'add a member to the organization')
    .addOption(withCompletion(new Option('--role <role>', `one of ${ROLES.join(', ')}`), ROLES).makeOptionMandatory())
    .option('--name <name>', 'the name of the user, if they are new to the application')
    .action((email: string, options: Options) => change(context, 'add', { email, ...options }))
  changing('set-role', 'change the role of a member')
    .addArgument(withCompletion(new Argument('<role>', `one of ${ROLES.join(', ')}`), ROLES))
    .action((email: string, role: string, options: Options) => change(context, 'set-role', { email, ...options, role }))
  changing('remove', 'remove a member from the organization')
    .option('--yes', 'do not prompt')
    .action((email: string, options: Options) => remove(context, { email, ...options }))
  command.addHelpText('afterAll', EXAMPLES)
}

async function list(context: Context): Promise<void> {
  await context.print(membersView(await listMembers(await context.members(MAY.read))))
}

async function remove(context: Context, input: Input): Promise<void> {
  const { email } = readMemberChange('remove', input)
  const question = `Remove ${email} from the organization?`
  const unattended = `${email} would lose access, and there is no terminal to confirm.`
  await confirm(context, { yes: input.yes, question, unattended })
  await change(context, 'remove', input)
}

async function change(context: Context, kind: MemberChange['kind'], { force = false, ...input }: Input): Promise<void> {
  const change = readMemberChange(kind, input)
  const { kind: outcome, member } = await changeMember(await context.members(MAY.administer), change, { force })
  if (outcome !== 'unchanged') context.changed = { text: 'The member was changed.' }
  else context.note('No changes: already up to date.')
  if (kind === 'remove') return context.note(`Removed ${member.email}.`)
  await context.print(memberView(member))
}

const EXAMPLES = `
If an application created the tables, it also manages the members. In that case,
changing them here requires --force.

Examples:
  dsctl member list
  dsctl member add bob@example.com --role viewer --name Bob
  dsctl member set-role bob@example.com data_admin
  dsctl member remove bob@example.com
`
