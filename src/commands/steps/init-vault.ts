import type { Context } from '../../cli/context.ts'
import { DsctlError } from '../../domain/errors.ts'
import type { Secret } from '../../domain/secret.ts'
import { mountUnseen, planInit } from '../../operations/init.ts'
import type { FirstOrganization, VaultCheck } from '../../ports/setup.ts'
import { promptForToken } from '../../requests/wizard/init-prompts.ts'
import { tokenSource } from '../../settings/vault-token.ts'
import type { Prompter } from '../../terminal/prompter.ts'

/** Logs in with a token and saves it. Returns false, after telling the user, if Vault rejects the token. */
export async function tryToken(context: Context, prompter: Prompter, secret: Secret<string>): Promise<boolean> {
  try {
    const { place } = await (await context.logins()).logIn({ method: 'token', mount: 'token', name: '', secret })
    context.note(`Logged in. The token is saved ${place}.`)
    return true
  } catch (error) {
    if (!(error instanceof DsctlError) || !['unauthenticated', 'invalid'].includes(error.code)) throw error
    prompter.tell(error.message)
    await context.reopen() // the user can also correct the address
    return false
  }
}

/** Examines both servers and changes nothing. If Vault rejects the saved token, the user is asked for another. */
export async function examineServers(
  context: Context,
  prompter: Prompter | undefined,
  first: Partial<FirstOrganization>,
) {
  for (;;) {
    try {
      const setup = await context.setup()
      const [plan, vault] = await Promise.all([planInit(setup, first), context.checkVault()])
      return { setup, plan, vault }
    } catch (error) {
      const rejected = error instanceof DsctlError && error.code === 'unauthenticated'
      if (!rejected || !prompter || tokenSource(context.streams.env) !== '~/.vault-token') throw explain(context, error)
      prompter.tell(error.message)
      await context.reopen()
      while (!(await tryToken(context, prompter, await promptForToken(prompter, context.settings()))));
    }
  }
}

/**
 * Warns if the token sees no mount, as that of a viewer does. Throws if there is something to set up, because then the
 * mount is more likely to be wrong.
 */
export function warnOfHiddenMount(context: Context, mount: string, { needsSetup }: { needsSetup: boolean }): void {
  if (needsSetup) throw mountUnseen(mount)
  context.warn(
    `The Vault token has no access to the mount ${mount}, or there is no such mount. ` +
      'With this token, dsctl can list data sources and show their records, without the credentials.',
  )
}

/** Warns about capabilities that the token lacks in a mount that it can see. */
export function warnOfMissingCapabilities(context: Context, { hiddenMount, missing }: VaultCheck): void {
  if (hiddenMount !== undefined) return
  for (const { path, capabilities } of missing) {
    context.warn(
      `The Vault token lacks ${capabilities.join(', ')} on ${path}: see docs/setup-servers.md, "Vault policies".`,
    )
  }
}

/** Whether the token may write credentials. */
export function canWrite({ hiddenMount, missing }: VaultCheck): boolean {
  return hiddenMount === undefined && !missing.some(({ capabilities }) => capabilities.includes('create'))
}

/** An address that only an option gives is not saved yet, so the command that the hint names needs it too. */
function explain(context: Context, error: unknown): unknown {
  if (!(error instanceof DsctlError) || error.code !== 'unauthenticated') return error
  const address = context.settings().all.find(({ key }) => key === 'vault.addr')
  if (!address?.value || !address.source.startsWith('flag')) return error
  const hint = error.details.hint?.replace('dsctl login', `VAULT_ADDR=${address.value} dsctl login`)
  return new DsctlError(error.code, error.message, { ...error.details, hint })
}
