import { type Command, Option } from 'commander'
import type { Context } from '../cli/context.ts'
import { acceptSeveralEnvs, anyOf } from '../cli/repeatable.ts'
import { typesOption } from '../cli/request-options.ts'
import { ONBOARDING_STATUSES, type OnboardingStatus } from '../domain/data-source.ts'
import { MAY } from '../operations/authorize.ts'
import { list, listAll } from '../operations/list.ts'
import { type PagingOptions, readPaging } from '../requests/paging.ts'
import type { WritePage } from '../terminal/view.ts'
import { LIST_COLUMNS, type ListItem, listItem } from '../views/list.ts'
import { noMatchText, noteEnvOfSettings, readFilter } from './steps/select.ts'

interface Options extends PagingOptions {
  readonly type?: readonly string[]
  readonly status?: readonly OnboardingStatus[]
  readonly search?: string
}

/** `dsctl list`. */
export function define(command: Command, context: Context): void {
  acceptSeveralEnvs(command)
  command
    .option('--page <n>', 'the page to show, counted from 0 (default: 0)')
    .option('--page-size <n>', 'data sources per page, 1 to 1000 (default: 25)')
    .option('--all', 'show all pages')
    .addOption(typesOption('only data sources of this type'))
    .addOption(
      anyOf(
        new Option('--status <status>', 'only data sources with this onboarding status').choices(ONBOARDING_STATUSES),
      ),
    )
    .option('--search <text>', 'only data sources whose name contains this text')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => run(context, options))
}

async function run(context: Context, { type, status = [], search, ...options }: Options): Promise<void> {
  const paging = readPaging(options)
  const filter = { ...readFilter(context, type), statuses: status, search }
  const stores = await context.records(MAY.read)
  const noMatch = () => noMatchText(stores, filter)
  if (paging.all) {
    const forEachPage = (write: WritePage<ListItem>) => listAll(stores, filter, page => write(page.map(listItem)))
    await context.print({ kind: 'pages', forEachPage, columns: LIST_COLUMNS, empty: noMatch })
    return noteEnvOfSettings(context)
  }
  const { items, more } = await list(stores, { ...filter, ...paging })
  const empty = paging.page ? `No data sources on page ${paging.page}. The first page is 0.` : noMatch
  await context.print({ kind: 'list', data: items.map(listItem), columns: LIST_COLUMNS, empty })
  noteEnvOfSettings(context)
  if (more) context.note(`There are more. Pass --page ${paging.page + 1} or --all.`)
}

const EXAMPLES = `
--type, --status and --env can be repeated. A data source then matches if it has
any of the values.

Examples:
  dsctl list --env production
  dsctl list --env dev --env staging --status failed
  dsctl list --type snowflake --all -o json
  dsctl list --search sales -o id
`
