import { LIBPQ_PARAMETERS, type LibpqParameter, OTHER_LIBPQ_VARIABLES } from '../../../src/domain/libpq-parameters.ts'
import { OTHER_VARIABLES, SETTING_KEYS, type SettingKey } from '../../../src/settings/keys.ts'
import { table } from './markdown.ts'

/** docs/reference/settings.md, made from the table of settings. */
export function settingsPage(): string {
  const settings = SETTING_KEYS.map(({ key, env, flag, default: fallback, description }: SettingKey) => [
    `\`${key}\``,
    env.map(code).join(', then '),
    flag === undefined ? '' : code(`--${flag.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`),
    fallback === undefined ? '' : code(fallback),
    description,
  ])
  const variables = OTHER_VARIABLES.map(([names, meaning]) => [names.split(', ').map(code).join(', '), meaning])
  const parameters = LIBPQ_PARAMETERS.map(({ name, env, ...parameter }) => [
    code(name),
    env === undefined ? '' : code(env),
    describeSupport(parameter),
  ])
  const libpqVariables = OTHER_LIBPQ_VARIABLES.map(([name, meaning]) => [code(name), meaning])
  return `# Settings

A flag overrides the environment, the environment overrides the profile, and the profile overrides the default. An empty
variable counts as not set. The one exception is \`DATABASE_URL\`, which other programs use too: \`--profile\` overrides it.

${table(['setting', 'environment', 'flag', 'default', 'meaning'], settings)}
\`--database-url\`, \`--vault-addr\`, \`--vault-mount\` and \`--vault-path\` are flags of \`dsctl init\`, which saves them in the
profile. The other flags work with every command.

\`dsctl config list\` shows each setting, its value and where it comes from. \`dsctl config set KEY VALUE\` saves a setting in
the profile, \`dsctl config unset KEY\` removes it.

## Profiles

A profile is a named set of settings. \`--profile\` or \`DSCTL_PROFILE\` selects one; \`dsctl config use NAME\` makes one the
default. All profiles are in one file (\`dsctl config path\` prints its path), which never holds a secret. The profile
\`embedded\` is built in.

## Other variables

${table(['variable', 'meaning'], variables)}
\`BAO_NAME\` overrides \`VAULT_NAME\`. [Variables of Vault and OpenBao](vault-environment.md) says what dsctl does with each.

The \`PG*\` variables and \`~/.pgpass\` also supply what a database URL leaves out, so one profile can serve a whole team: the URL
without a user in the profile, \`PGUSER\` in each person's environment.

## Parameters of a Postgres connection

dsctl connects to the application's Postgres as psql does. A parameter comes from the database URL, else from the service in
the service file (\`PGSERVICE\`, \`~/.pg_service.conf\`), else from its variable, else from the defaults of libpq: the user of
the operating system, the database with the user's name, a socket on this machine, \`~/.pgpass\`, and \`root.crt\`,
\`root.crl\`, \`postgresql.crt\` and \`postgresql.key\` in \`~/.postgresql\`. A URL with a secret in it is never saved.

dsctl uses a parameter as libpq does, or ignores it because it makes no difference, or rejects it by name:

${table(['parameter', 'variable', 'in dsctl'], parameters)}
Other variables of libpq:

${table(['variable', 'in dsctl'], libpqVariables)}`
}

function describeSupport({ support, allowed, why, note }: Omit<LibpqParameter, 'name'>): string {
  const values = allowed?.length ? `: ${allowed.map(code).join(', ')}` : ''
  const use = support === 'rejected' && allowed ? `accepted${values}; other values are rejected` : `${support}${values}`
  return [use, ...(support === 'ignored' || !why ? [] : [why]), ...(note ? [note] : [])].join('; ')
}

function code(text: string): string {
  return `\`${text}\``
}
