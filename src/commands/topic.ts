import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { ERROR_CODES } from '../domain/errors.ts'
import { FORMATS } from '../domain/output-format.ts'
import { OTHER_VARIABLES, SETTING_KEYS } from '../settings/keys.ts'
import { SOURCE_FORMS } from '../source-types/secret-source.ts'

/** `dsctl help exit-codes|environment|secrets|formats`: each is made from the table that the program itself goes by. */
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

const texts = (): Readonly<Record<string, readonly (string | readonly Row[])[]>> => ({
  'exit-codes': [
    [['0', 'done, or nothing to do'], ...codes()],
    `With -o json an error is one JSON document on standard error: {"error": {...}}
with the name above as "code", the number as "exit_code", the HTTP status in
brackets as "status", a "message", and where they apply a "hint" and "fields".

Examples:
  dsctl get Sales > sales.txt; [ $? -ne 5 ] || echo "not there"
  dsctl diff -f sources/ --env production; [ $? -ne 9 ] || echo "it differs"`,
  ],
  environment: [
    'A flag goes before the environment, that before the profile. An empty variable\ncounts as one that is not set.',
    variables(),
    OTHER_VARIABLES,
    `Examples:
  DSCTL_ENV=production DSCTL_OUTPUT=json dsctl list
  dsctl config list                  # each setting, and where it comes from`,
  ],
  secrets: [
    'A flag for a secret takes a source, never the secret: what stands on the command\nline is visible to other processes and in the shell’s history.',
    Object.entries(SOURCE_FORMS),
    `In a request file a secret is a text, or {"from": "SOURCE"}. Since such a file
may be a stranger's, @FILE stays in its folder there, env: reaches only names
that begin with DSCTL_SECRET_, and --allow-from allows more.

A password loses one line end; a key or a certificate keeps every byte. No
command prints a secret: it shows as [REDACTED], which an update takes for
"unchanged".

Examples:
  dsctl update Sales --password - < password.txt
  dsctl update Sales --password env:SALES_PASSWORD --ssh-private-key @key.pem
  dsctl update Sales --password vault:kv/team/sales#password`,
  ],
  formats: [
    Object.entries(FORMATS),
    `-o, --output chooses one, DSCTL_OUTPUT the one without it. Data goes to standard
output, all else to standard error. dsctl types --schema has the JSON Schemas.

Examples:
  dsctl list -o id | xargs dsctl test
  dsctl get Sales -o json | jq -r .credentials.host`,
  ],
})
