import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { type InitPlan, init, mountUnseen, planInit } from '../operations/init.ts'
import type { VaultCheck } from '../ports/setup.ts'
import { saveServers } from '../requests/save-servers.ts'
import { askForFirst, askForServers, firstOrganization, nextCommand } from '../requests/wizard/init-prompts.ts'
import { EMBEDDED_PROFILE } from '../settings/settings.ts'

/** `dsctl init`. */
export function define(command: Command, context: Context): void {
  command
    .option('--database-url <url>', 'the application’s Postgres, without a password in it')
    .option('--vault-addr <url>', 'the address of Vault')
    .option('--vault-mount <mount>', 'a KV version 2 mount (default: secret)')
    .option('--vault-path <path>', 'where in it (default: data-sources/{id})')
    .option('--admin <email>', 'the workspace_admin of the first organization, which --org names')
    .option('--admin-name <name>', 'their name')
    .option('--check', 'report, and change nothing')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(() => run(context))
}

async function run(context: Context): Promise<void> {
  context.flags = { ...context.flags, profileMayBeNew: true }
  const first = firstOrganization(context.flags)
  const prompter = context.flags.yes === true ? undefined : await context.prompter()
  const asks = prompter && context.settings().profile !== EMBEDDED_PROFILE
  const servers = asks ? await askForServers(context, prompter) : context.flags
  if (servers === EMBEDDED_PROFILE) return useEmbedded(context)
  context.flags = servers
  const setup = await context.setup()
  const [plan, vault] = await Promise.all([planInit(setup, first), context.checkVault()])
  const checksAlone = context.flags.check === true
  if (vault.hiddenMount !== undefined && !checksAlone) throw mountUnseen(vault.hiddenMount)
  for (const { path, capabilities } of vault.hiddenMount === undefined ? vault.missing : []) {
    context.warn(
      `The Vault token lacks ${capabilities.join(', ')} on ${path}: see docs/setup-servers.md, "Vault policies".`,
    )
  }
  if (checksAlone) return report(context, plan, vault)
  const whole = prompter && plan.needsOrganization ? await askForFirst(prompter, first) : first
  context.flags = { ...context.flags, org: whole.organization }
  const done = await init(setup, plan, whole)
  for (const line of done) context.note(line)
  const saved = await saveServers(context)
  if (done.length === 0 && !saved) context.note('All is as it should be already: nothing was changed.')
  if (!prompter && done.length === 0 && !saved) return
  context.note(`Next: ${await nextCommand(context, whole.email, vault.token?.isRoot === true)}`)
}

async function useEmbedded(context: Context): Promise<void> {
  await context.useProfile(EMBEDDED_PROFILE)
  context.note('Using profile embedded from now on; dsctl config use NAME names another.')
  context.note('Next: dsctl create')
}

function report(context: Context, { status, needsOrganization }: InitPlan, vault: VaultCheck): void {
  context.note(STATUS[status])
  if (needsOrganization) context.note('There is no organization yet: --org NAME and --admin EMAIL make the first.')
  context.note(`${vaultState(vault)} Nothing was changed.`)
}

function vaultState({ token, hiddenMount }: VaultCheck): string {
  if (!token) return 'Secrets are in files of this machine: no Vault is needed.'
  if (hiddenMount === undefined) return 'Vault answers, and the mount is KV version 2.'
  return `Vault answers. Its mount ${hiddenMount} cannot be seen with this token, which will do to list and get.`
}

const STATUS = {
  empty: 'The database is empty: init would make all tables.',
  adoptable: 'The application’s tables are there: init would add dsctl’s own in schema dsctl.',
  ready: 'The database is prepared.',
} as const

const EXAMPLES = `
Makes what is missing and changes nothing that is there. On a database whose
tables an application made it adds only dsctl's own, in schema dsctl.

Examples:
  dsctl init
  dsctl init --database-url postgres://dsctl@db.example.com/app \\
    --vault-addr https://vault.example.com:8200 \\
    --org Acme --admin you@example.com
  dsctl init --check
`
