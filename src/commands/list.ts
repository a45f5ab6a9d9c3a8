import { type Command, Option } from 'commander'
import type { Context } from '../cli/context.ts'
import { typeOption } from '../cli/request-options.ts'
import { ONBOARDING_STATUSES, type OnboardingStatus } from '../domain/data-source.ts'
import { MAY } from '../operations/authorize.ts'
import { list, listAll } from '../operations/list.ts'
import { type PagingOptions, readPaging } from '../requests/paging.ts'
import { getSourceType } from '../source-types/index.ts'
import type { WritePage } from '../terminal/view.ts'
import { LIST_COLUMNS, type ListItem, listItem, NO_DATA_SOURCES } from '../views/list.ts'

interface Options extends PagingOptions {
  readonly type?: string
  readonly status?: OnboardingStatus
  readonly search?: string
}

/** `dsctl list`. */
export function define(command: Command, context: Context): void {
  command
    .option('--page <n>', 'which page, from 0 (default: 0)')
    .option('--page-size <n>', 'data sources per page, 1 to 1000 (default: 25)')
    .option('--all', 'every page')
    .addOption(typeOption('only data sources of this type'))
    .addOption(
      new Option('--status <status>', 'only data sources with this onboarding status').choices(ONBOARDING_STATUSES),
    )
    .option('--search <text>', 'only data sources whose name contains this')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => run(context, options))
}

async function run(context: Context, { type, status, search, ...options }: Options): Promise<void> {
  const paging = readPaging(options)
  const filter = { type: type && getSourceType(type).name, env: context.settings().get('env'), status, search }
  const stores = await context.records(MAY.read)
  if (paging.all) {
    const forEachPage = (write: WritePage<ListItem>) => listAll(stores, filter, page => write(page.map(listItem)))
    return context.print({ kind: 'pages', forEachPage, columns: LIST_COLUMNS, empty: NO_DATA_SOURCES })
  }
  const { items, more } = await list(stores, { ...filter, ...paging })
  const empty = paging.page ? `No data sources on page ${paging.page}. The first page is 0.` : NO_DATA_SOURCES
  await context.print({ kind: 'list', data: items.map(listItem), columns: LIST_COLUMNS, empty })
  if (more) context.note(`There are more: pass --page ${paging.page + 1} or --all.`)
}

const EXAMPLES = `
Examples:
  dsctl list --env production
  dsctl list --type snowflake --all -o json
  dsctl list --search sales -o id
`
