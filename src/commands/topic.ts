import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { ERROR_CODES } from '../domain/errors.ts'
import { LIBPQ_PARAMETERS, OTHER_LIBPQ_VARIABLES } from '../domain/libpq-parameters.ts'
import { FORMATS } from '../domain/output-format.ts'
import { OTHER_VARIABLES, SETTING_KEYS } from '../settings/keys.ts'
import { SOURCE_FORMS } from '../source-types/secret-source.ts'

/**
 * `dsctl help exit-codes|environment|secrets|formats`. The topics are printed from the tables that the program uses.
 */
export function define(command: Command, { streams }: Context): void {
  const helper = Object.assign(command.createHelp(), { helpWidth: Math.min(streams.stdout.columns ?? 80, 100) })
  const table = (rows: readonly Row[]) => {
    const width = Math.min(28, Math.max(...rows.map(([term]) => term.length)))
    return `${rows.map(([term, text]) => helper.formatItem(term, width, text, helper)).join('\n')}\n`
  }
  const text = (texts()[command.name()] ?? []).map(part => (typeof part === 'string' ? `${part}\n` : table(part)))
  command.helpInformation = () => `${command.description()}\n\n${text.join('\n')}`
  command.action(() => command.outputHelp())
}

type Row = readonly [term: string, text: string]

const codes = () =>
  Object.entries(ERROR_CODES).map(([code, { exit, status, meaning }]): Row => {
    return [`${exit}`.padEnd(5) + code, status === undefined ? meaning : `${meaning} (${status})`]
  })

const variables = () =>
  SETTING_KEYS.map(({ env, description, ...more }): Row => {
    return [env.join(', '), `${description}${'default' in more ? ` (default: ${more.default})` : ''}`]
  })

const libpqVariables = () => [
  ...LIBPQ_PARAMETERS.flatMap(({ name, env, support, allowed }): Row[] => {
    const effect = support === 'used' || (support === 'rejected' && allowed) ? '' : ` (${support})`
    return env === undefined ? [] : [[env, `parameter ${name}${effect}`]]
  }),
  ...OTHER_LIBPQ_VARIABLES,
]

const texts = (): Readonly<Record<string, readonly (string | readonly Row[])[]>> => ({
  'exit-codes': [
    [['0', 'done, or nothing to do'], ...codes()],
    `With -o json standard error is empty or one JSON document: {"error": {...}}
with the name above as "code", the number as "exit_code", the HTTP status in
parentheses as "status", a "message", and sometimes a "hint" and "fields".

Examples:
  dsctl get Sales > sales.txt; [ $? -ne 5 ] || echo "not found"
  dsctl diff -f sources/ --env production; [ $? -ne 9 ] || echo "it differs"`,
  ],
  environment: [
    'An option overrides the environment, which overrides the profile. An empty\nvariable counts as not set.',
    variables(),
    OTHER_VARIABLES,
    'Variables of libpq, for the connection to the application’s Postgres:',
    libpqVariables(),
    `Examples:
  DSCTL_ENV=production DSCTL_OUTPUT=json dsctl list
  dsctl config list                  # each setting and its source`,
  ],
  secrets: [
    'An option for a secret takes a source, not the secret itself: other processes\ncan see the command line, and the shell’s history keeps it.',
    Object.entries(SOURCE_FORMS),
    `In a request file, a secret is a string, or {"from": "SOURCE"}. Someone else may
have written the file, so it may use only these sources: @FILE in the folder of
the request file, env:DSCTL_SECRET_*, and vault: with the stored secret of the
same field. --allow-from allows more sources.

One line break at the end of a password is removed. A key is stored without the
text around it. No command prints a secret: it is shown as [REDACTED], which
means "unchanged" in an update.

Examples:
  dsctl update Sales --password - < password.txt
  dsctl update Sales --password env:SALES_PASSWORD --ssh-private-key @key.pem
  dsctl update Sales --password vault:kv/team/sales#password`,
  ],
  formats: [
    Object.entries(FORMATS),
    `-o, --output selects one, and DSCTL_OUTPUT sets the default. Data goes to
standard output, everything else to standard error. For the JSON Schemas, see
dsctl types --schema.

Examples:
  dsctl list -o id | xargs dsctl test
  dsctl get Sales -o json | jq -r .credentials.host`,
  ],
})
