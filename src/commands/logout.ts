import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { confirm } from '../requests/wizard/confirm.ts'

/** `dsctl logout`. */
export function define(command: Command, context: Context): void {
  command
    .option('--yes', 'do not ask, not even for a root token')
    .addHelpText('after', EXAMPLES)
    .action(() => run(context))
}

async function run(context: Context): Promise<void> {
  const logins = await context.logins()
  if (await logins.savedTokenIsRoot()) {
    const unasked = 'It is a root token, which nobody could use any more, and nobody can be asked here.'
    await confirm(context, 'Revoke the root token, for everybody who uses it?', unasked)
  }
  const outcome = await logins.logOut()
  context.note(NOTES[outcome])
  if (outcome === 'refused') context.warn('Vault did not revoke the token: it has expired, or its policy forbids it.')
  if (context.streams.env.VAULT_TOKEN) context.warn('VAULT_TOKEN is set, and stays as it is.')
}

const NOTES = {
  revoked: 'Logged out: the token is revoked and removed.',
  refused: 'Logged out: the token is removed.',
  none: 'No token is kept: nothing to do.',
} as const

const EXAMPLES = `
Revokes the token that dsctl login or vault login has kept, and removes it. For
a root token it asks first, or takes --yes.

Examples:
  dsctl logout
`
