import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { listAllEvents, listEvents, parseTime, pruneEvents } from '../operations/audit.ts'
import { MAY } from '../operations/authorize.ts'
import { readPaging } from '../requests/paging.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { confirm } from '../requests/wizard/confirm.ts'
import { allEventsView, eventsView } from '../views/audit.ts'

/** `dsctl audit` and `dsctl audit prune`. */
export function define(command: Command, context: Context): void {
  command
    .option('--source <ref>', 'only what concerns this data source, deleted or not')
    .option('--actor <email>', 'only what this person did')
    .option('--action <action>', 'only this: create, get, update, delete, "member add", ...')
    .option('--since <time>', 'only from this time on: 2026-01-31, or how long ago: 12h, 7d')
    .option('--page <n>', 'which page, from 0 (default: 0)')
    .option('--page-size <n>', 'how many to a page, 1 to 1000 (default: 25)')
    .option('--all', 'every page')
    .addHelpText('afterAll', EXAMPLES)
    .action(() => show(context))
  command
    .command('prune')
    .summary('delete old events')
    .description('Deletes the organization’s events before a time.')
    .copyInheritedSettings(command)
    .requiredOption('--before <time>', 'a time, or how long ago: 2026-01-31, 52w')
    .option('--yes', 'do not ask')
    .action(() => prune(context))
}

async function show(context: Context): Promise<void> {
  answerHasNo(context, 'name')
  const { source, actor, action, since } = context.flags
  const text = (flag: unknown) => (typeof flag === 'string' ? flag : undefined)
  const paging = readPaging(context.flags)
  const filter = {
    ...{ actor: text(actor), action: text(action) },
    source: typeof source === 'string' ? { text: source, env: context.settings().get('env') } : undefined,
    since: typeof since === 'string' ? parseTime('since', since, Date.now()) : undefined,
  }
  const trail = await context.auditTrail(MAY.change)
  const which = `${source ? ` about ${source}` : ''}${actor ? ` by ${actor}` : ''}${action ? ` of action ${action}` : ''}`
  if (paging.all) return context.print(allEventsView(take => listAllEvents(trail, filter, take), which))
  const { items, more } = await listEvents(trail, { ...filter, ...paging })
  await context.print(eventsView(items, paging.page ? ` on page ${paging.page}: the first is page 0` : which))
  if (more) context.note(`There are more: --page ${paging.page + 1}, or --all.`)
}

async function prune(context: Context): Promise<void> {
  const before = parseTime('before', String(context.flags.before), Date.now())
  const question = `Delete the organization’s events before ${before}?`
  await confirm(context, question, 'What is pruned is gone for good, and nobody can be asked here.')
  const count = await pruneEvents(await context.auditTrail(MAY.administer), before)
  context.note(`Deleted ${count} event${count === 1 ? '' : 's'} before ${before}.`)
}

const EXAMPLES = `
Examples:
  dsctl audit --since 7d
  dsctl audit --source Sales --action update -o json
  dsctl audit prune --before 52w --yes
`
