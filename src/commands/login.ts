import { type Command, Option } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { formatDuration } from '../lib/duration.ts'
import { LOGIN_METHODS } from '../ports/logins.ts'
import { type LoginOptions, readLoginRequest } from '../requests/login-request.ts'
import { tokenVariable } from '../settings/vault-token.ts'

const METHODS = Object.keys(LOGIN_METHODS)

/** `dsctl login`. */
export function define(command: Command, context: Context): void {
  command
    .addOption(withCompletion(new Option('--method <method>', `${METHODS.join(', ')} (default: token)`), METHODS))
    .option('--username <name>', 'for userpass and ldap')
    .option('--role <role>', 'for jwt and kubernetes; for approle the RoleID (or VAULT_ROLE_ID)')
    .option('--auth-mount <mount>', 'the path of the auth method under auth/ (default: the name of the method)')
    .option('--token <source>', 'for token: the token')
    .option('--password <source>', 'for userpass and ldap')
    .option('--secret-id <source>', 'for approle: the SecretID, may be response-wrapped (or VAULT_SECRET_ID)')
    .option('--jwt <source>', 'for jwt and kubernetes (default for kubernetes: the token of the pod)')
    .addHelpText('after', EXAMPLES)
    .action((options: LoginOptions) => run(context, options))
}

async function run(context: Context, options: LoginOptions): Promise<void> {
  const logins = await context.logins() // reports a missing Vault before it prompts for a token
  const { ttl, place } = await logins.logIn(await readLoginRequest(context, options))
  const expiry = ttl === undefined ? 'does not expire' : `expires in ${formatDuration(ttl)}`
  context.note(`Logged in. The token ${expiry} and is saved ${place}.`)
  const variable = tokenVariable(context.streams.env)
  if (variable) context.warn(`${variable} is set and overrides the saved token.`)
  context.note('Next: dsctl whoami')
}

const EXAMPLES = `
An option for a secret takes a source, not the secret itself:
- (standard input), @FILE, env:NAME or vault:MOUNT/PATH#FIELD. At a terminal,
dsctl prompts for what is missing. The token is saved in ~/.vault-token, like
that of vault login.

A pipeline needs no login. With VAULT_ROLE_ID and VAULT_SECRET_ID set, each
command logs in and revokes its token when it ends.

Examples:
  dsctl login --method userpass --username alice
  dsctl login --method jwt --role ci --jwt env:CI_JOB_TOKEN
  dsctl login --method kubernetes --role dsctl
`
