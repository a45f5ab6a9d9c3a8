import { type Command, Option } from 'commander'
import type { Context, Flags } from '../cli/context.ts'
import { ONBOARDING_STATUSES } from '../domain/data-source.ts'
import { MAY } from '../operations/authorize.ts'
import { list, listAll } from '../operations/list.ts'
import type { ListFilter } from '../ports/records.ts'
import { typeOption } from '../requests/field-options.ts'
import { readPaging } from '../requests/paging.ts'
import { getSourceType } from '../source-types/index.ts'
import type { WritePage } from '../terminal/view.ts'
import { LIST_COLUMNS, type ListItem, listItem, NO_DATA_SOURCES } from '../views/list.ts'

/** `dsctl list`. */
export function define(command: Command, context: Context): void {
  command
    .option('--page <n>', 'which page, from 0 (default: 0)')
    .option('--page-size <n>', 'how many to a page, 1 to 1000 (default: 25)')
    .option('--all', 'every page')
    .addOption(typeOption('only those of this type'))
    .addOption(new Option('--status <status>', 'only those with this onboarding status').choices(ONBOARDING_STATUSES))
    .option('--search <text>', 'only those whose name has this in it')
    .addHelpText('after', EXAMPLES)
    .action(() => run(context))
}

async function run(context: Context): Promise<void> {
  const paging = readPaging(context.flags)
  const filter = filters(context.flags, context.settings().get('env'))
  const stores = await context.records(MAY.read)
  if (paging.all) {
    const forEachPage = (take: WritePage<ListItem>) => listAll(stores, filter, page => take(page.map(listItem)))
    return context.print({ kind: 'pages', forEachPage, columns: LIST_COLUMNS, empty: NO_DATA_SOURCES })
  }
  const { items, more } = await list(stores, { ...filter, ...paging })
  const empty = paging.page ? `No data sources on page ${paging.page}: the first is page 0.` : NO_DATA_SOURCES
  await context.print({ kind: 'list', data: items.map(listItem), columns: LIST_COLUMNS, empty })
  if (more) context.note(`There are more: --page ${paging.page + 1}, or --all.`)
}

function filters(flags: Flags, env: string | undefined): ListFilter {
  const type = typeof flags.type === 'string' ? getSourceType(flags.type).name : undefined
  const status = ONBOARDING_STATUSES.find(known => known === flags.status)
  const search = typeof flags.search === 'string' ? flags.search : undefined
  return { type, env, status, search }
}

const EXAMPLES = `
Examples:
  dsctl list --env production
  dsctl list --type snowflake --all -o json
  dsctl list --search sales -o id
`
