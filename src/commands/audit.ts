import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { invalid } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { listAllEvents, listEvents, pruneEvents } from '../operations/audit.ts'
import { MAY } from '../operations/authorize.ts'
import { AUDITED_ACTIONS } from '../ports/audit-trail.ts'
import { type PagingOptions, readPaging } from '../requests/paging.ts'
import { parseTime } from '../requests/parse-time.ts'
import { confirm } from '../requests/wizard/confirm.ts'
import { allEventsView, eventsView } from '../views/audit.ts'

interface Options extends PagingOptions {
  readonly source?: string
  readonly actor?: string
  readonly action?: string
  readonly since?: string
}

interface PruneOptions {
  readonly before: string
  readonly yes?: boolean
}

/** `dsctl audit` and `dsctl audit prune`. */
export function define(command: Command, context: Context): void {
  command
    .option('--source <ref>', 'only events of this data source, deleted or not')
    .option('--actor <email>', 'only events of this user')
    .option('--action <action>', 'only this action: create, get, update, delete, "member add", ...')
    .option('--since <time>', 'only events since a time (2026-01-31) or a duration ago (12h, 7d)')
    .option('--page <n>', 'the page to show, counted from 0 (default: 0)')
    .option('--page-size <n>', 'events per page, 1 to 1000 (default: 25)')
    .option('--all', 'show all pages')
    .addHelpText('afterAll', EXAMPLES)
    .action((options: Options) => show(context, options))
  command
    .command('prune')
    .summary('delete old events')
    .description('Deletes the organization’s events before a time.')
    .copyInheritedSettings(command)
    .requiredOption('--before <time>', 'a time (2026-01-31) or a duration ago (52w)')
    .option('--yes', 'delete without asking')
    .action((options: PruneOptions) => prune(context, options))
}

async function show(context: Context, { source, actor, action, since, ...options }: Options): Promise<void> {
  const format = formatWithout(context, 'name')
  const paging = readPaging(options)
  checkAction(action)
  const filter = {
    actor,
    action,
    source: source === undefined ? undefined : { text: source, env: context.settings().get('env') },
    since: since === undefined ? undefined : parseTime('since', since),
  }
  const trail = await context.auditTrail(MAY.change)
  const which = [source && ` about ${source}`, actor && ` by ${actor}`, action && ` of action ${action}`].join('')
  if (paging.all)
    return context.print(
      allEventsView(write => listAllEvents(trail, filter, write), which),
      format,
    )
  const { items, more } = await listEvents(trail, { ...filter, ...paging })
  const view = eventsView(items, paging.page ? ` on page ${paging.page}. The first page is 0` : which)
  await context.print(view, format)
  if (more) context.note(`There are more. Pass --page ${paging.page + 1} or --all.`)
}

function checkAction(action: string | undefined): void {
  if (action === undefined || AUDITED_ACTIONS.includes(action)) return
  const message = `must be one of ${AUDITED_ACTIONS.join(', ')}${didYouMean(action, AUDITED_ACTIONS)}`
  throw invalid('Invalid command line.', [{ field: 'action', message }])
}

async function prune(context: Context, options: PruneOptions): Promise<void> {
  const before = parseTime('before', options.before)
  const which = 'at' in before ? `before ${before.at}` : `older than ${options.before}`
  await confirm(context, {
    yes: options.yes,
    question: `Delete the organization’s events ${which}?`,
    unattended: 'Pruning cannot be undone, and there is no terminal to confirm.',
  })
  const count = await pruneEvents(await context.auditTrail(MAY.administer), before)
  context.note(`Deleted ${count} event${count === 1 ? '' : 's'} ${which}.`)
}

const EXAMPLES = `
Examples:
  dsctl audit --since 7d
  dsctl audit --source Sales --action update -o json
  dsctl audit prune --before 52w --yes
`
