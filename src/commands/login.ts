import { type Command, Option } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { formatDuration } from '../lib/duration.ts'
import { LOGIN_METHODS } from '../ports/logins.ts'
import { loginRequest } from '../requests/login-request.ts'

const METHODS = Object.keys(LOGIN_METHODS)

/** `dsctl login`. */
export function define(command: Command, context: Context): void {
  command
    .addOption(withCompletion(new Option('--method <method>', `${METHODS.join(', ')} (default: token)`), METHODS))
    .option('--username <name>', 'for userpass and ldap')
    .option('--role <role>', 'for jwt and kubernetes; for approle its RoleID (or VAULT_ROLE_ID)')
    .option('--auth-mount <mount>', 'where the method is mounted (default: its name)')
    .option('--token <source>', 'for token')
    .option('--password <source>', 'for userpass and ldap')
    .option('--secret-id <source>', 'for approle, also response-wrapped (or VAULT_SECRET_ID)')
    .option('--jwt <source>', 'for jwt and kubernetes, there by default the pod’s own')
    .addHelpText('after', EXAMPLES)
    .action(() => run(context))
}

async function run(context: Context): Promise<void> {
  const logins = await context.logins() // where there is no Vault that is told before a token is asked for
  const { ttl, file } = await logins.logIn(await loginRequest(context))
  const time = ttl === undefined ? 'does not expire' : `is good for ${formatDuration(ttl)}`
  context.note(`Logged in. The token ${time} and is kept in ${file}.`)
  if (context.streams.env.VAULT_TOKEN) context.warn('VAULT_TOKEN is set, and goes before the token just kept.')
  context.note('Next: dsctl whoami')
}

const EXAMPLES = `
A secret's flag takes a source, never the secret: - (standard input), @FILE,
env:NAME or vault:MOUNT/PATH#FIELD. At a terminal what is missing is asked for.
The token is kept in ~/.vault-token, as the vault command does.

A pipeline needs no login: with VAULT_ROLE_ID and VAULT_SECRET_ID set, each
command logs in by itself and revokes its token when it ends.

Examples:
  dsctl login --method userpass --username alice
  dsctl login --method jwt --role ci --jwt env:CI_JOB_TOKEN
  dsctl login --method kubernetes --role dsctl
`
