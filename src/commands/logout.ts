import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { formatDuration } from '../lib/duration.ts'
import { confirm } from '../requests/wizard/confirm.ts'
import { tokenVariable } from '../settings/vault-token.ts'

interface Options {
  readonly yes?: boolean
}

/** `dsctl logout`. */
export function define(command: Command, context: Context): void {
  command
    .option('--yes', 'do not ask, even for a root token')
    .addHelpText('after', EXAMPLES)
    .action(({ yes }: Options) => run(context, yes))
}

async function run(context: Context, yes: boolean | undefined): Promise<void> {
  const logins = await context.logins()
  if (await logins.savedTokenIsRoot()) {
    const question = 'Revoke the root token for everyone who uses it?'
    const unattended = 'Revoking this root token cannot be undone, and there is no terminal to confirm.'
    await confirm(context, { yes, question, unattended })
  }
  const result = await logins.logOut()
  context.note(NOTES[result.outcome])
  if (result.outcome === 'rejected') {
    context.warn('Vault did not revoke the token: it has expired, or its policy forbids it.')
  }
  if (result.outcome === 'still valid') context.warn(stillValid(result))
  const variable = tokenVariable(context.streams.env)
  if (variable) context.warn(`${variable} is set and is still in use.`)
}

function stillValid({ ttl, isBatch }: { ttl: number | undefined; isBatch: boolean }): string {
  const validity = ttl === undefined ? 'until someone revokes it' : `for ${formatDuration(ttl)}`
  return isBatch
    ? `Vault cannot revoke a batch token. It stays valid ${validity}.`
    : `Vault did not revoke the token, because its policy forbids it. It stays valid ${validity}.`
}

const NOTES = {
  revoked: 'Logged out: the token was revoked and removed.',
  rejected: 'Logged out: the token was removed.',
  'still valid': 'Logged out: the token was removed.',
  agent: 'Logged out: the token was removed, but not revoked, because a Vault agent uses it.',
  none: 'Not logged in: no token is saved.',
} as const

const EXAMPLES = `
Revokes and removes the token that dsctl login or vault login has saved. For a
root token it asks first, unless --yes is passed.

Examples:
  dsctl logout
`
