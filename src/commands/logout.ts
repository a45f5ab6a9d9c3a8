import type { Command } from 'commander'
import type { Context } from '../context.ts'

/** `dsctl logout`. */
export function define(command: Command, context: Context): void {
  command.addHelpText('after', EXAMPLES).action(() => run(context))
}

async function run(context: Context): Promise<void> {
  const outcome = await (await context.logins()).logOut()
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
Examples:
  dsctl logout
`
