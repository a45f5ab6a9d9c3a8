import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { DsctlError, isInterruption } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { deletionProblem } from '../operations/doctor/examine-vault.ts'
import { type InitPlan, init } from '../operations/init.ts'
import { whoami } from '../operations/whoami.ts'
import type { FirstOrganization, VaultCheck } from '../ports/setup.ts'
import { readFirstOrganization } from '../requests/first-organization.ts'
import { promptForOrganization, serverQuestions, showServers } from '../requests/wizard/init-prompts.ts'
import { WIZARD_KEYS } from '../requests/wizard/retry-prompt.ts'
import type { SettingFlags } from '../settings/keys.ts'
import { saveServers } from '../settings/save-servers.ts'
import { EMBEDDED_PROFILE } from '../settings/settings.ts'
import type { Prompter } from '../terminal/prompter.ts'
import { canWrite, examineServers, tryToken, warnOfHiddenMount, warnOfMissingCapabilities } from './steps/init-vault.ts'

interface Options {
  readonly databaseUrl?: string
  readonly vaultAddr?: string
  readonly vaultMount?: string
  readonly vaultPath?: string
  readonly admin?: string
  readonly adminName?: string
  readonly check?: boolean
  readonly yes?: boolean
}

/** `dsctl init`. */
export function define(command: Command, context: Context): void {
  command
    .option('--database-url <url>', 'the application’s Postgres, without a password')
    .option('--vault-addr <url>', 'the address of Vault')
    .option('--vault-mount <mount>', 'a KV version 2 mount (default: secret)')
    .option('--vault-path <path>', 'the path in the mount (default: data-sources/{id})')
    .option('--admin <email>', 'the workspace_admin of the first organization (see --org)')
    .option('--admin-name <name>', 'the name of that user')
    .option('--check', 'report the current state and change nothing')
    .option('--yes', 'do not prompt')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => run(context, options))
}

async function run(context: Context, options: Options): Promise<void> {
  const first = readFirstOrganization({ ...options, org: context.options.org })
  const prompter = options.yes ? undefined : await context.prompter()
  const flags = await chooseServers(context, prompter, options)
  if (flags === EMBEDDED_PROFILE) return useEmbedded(context)
  const { setup, plan, vault } = await examineServers(context, prompter, first)
  warnOfMissingCapabilities(context, vault)
  await warnOfDeletion(context, vault)
  if (options.check) return report(context, plan, vault)
  const needsSetup = plan.status !== 'ready' || plan.needsOrganization
  if (vault.hiddenMount !== undefined) warnOfHiddenMount(context, vault.hiddenMount, { needsSetup })
  const organization = prompter && plan.needsOrganization ? await promptForOrganization(prompter, first) : first
  const done = await init(setup, plan, organization)
  for (const line of done) context.note(line)
  useSettings(context, { ...flags, org: organization.organization })
  const saved = await save(context)
  const changed = done.length > 0 || saved
  if (!changed) context.note('Already set up. Nothing changed.')
  if (changed || prompter) context.note(`Next: ${await nextCommand(context, organization, vault)}`)
}

/** A mount that deletes credentials by itself is a problem of the mount, which init does not change. */
async function warnOfDeletion(context: Context, { hiddenMount }: VaultCheck): Promise<void> {
  if (hiddenMount !== undefined) return
  const { secrets } = await context.health()
  const kept = await secrets.retention()
  if (kept?.deleteAfter === undefined) return
  const { message, fix } = deletionProblem(kept.deleteAfter, context.settings().get('vault.mount'))
  context.warn(`${message} ${fix}`)
}

/**
 * Returns the servers from options and, at a terminal, from prompts. After the prompts, logs in if there is no Vault
 * token.
 */
async function chooseServers(
  context: Context,
  prompter: Prompter | undefined,
  { databaseUrl, vaultAddr, vaultMount, vaultPath }: Options,
): Promise<SettingFlags | typeof EMBEDDED_PROFILE> {
  const given = { databaseUrl, vaultAddr, vaultMount, vaultPath }
  useSettings(context, given)
  if (!prompter || context.settings().profile === EMBEDDED_PROFILE) return given
  const found = showServers(context, prompter)
  if (!found.database || !found.vault || !found.token) prompter.tell(WIZARD_KEYS)
  const questions = serverQuestions(prompter, context.settings(), found)
  for (let answers = await questions.ask(); ; answers = await questions.askAgain()) {
    if (answers === EMBEDDED_PROFILE) return EMBEDDED_PROFILE
    const flags = { ...given, ...answers.flags }
    useSettings(context, flags)
    if (!answers.token || (await tryToken(context, prompter, answers.token))) return flags
  }
}

/** Unlike other commands, init accepts a profile that does not exist yet. */
function useSettings(context: Context, flags: SettingFlags): void {
  context.overrideSettings(flags, { allowNewProfile: true })
}

async function useEmbedded(context: Context): Promise<void> {
  await context.useProfile(EMBEDDED_PROFILE)
  context.note('Using profile embedded from now on. Run dsctl config use NAME to use another profile.')
  context.note('Next: dsctl create')
}

function report(context: Context, { status, needsOrganization, rowSecurity }: InitPlan, vault: VaultCheck): void {
  context.note(DATABASE_STATUS[status])
  if (rowSecurity) {
    const { role, tables } = rowSecurity
    context.note(
      `Row-level security is on for ${tables.join(', ')}: ${role} sees only the rows that its policies allow.`,
    )
  }
  if (needsOrganization) {
    context.note('There is no organization yet. Pass --org NAME and --admin EMAIL to create the first.')
  }
  context.note(`${vaultState(vault)} Nothing was changed.`)
}

function vaultState({ token, hiddenMount }: VaultCheck): string {
  if (!token) return 'Secrets are in files on this machine. No Vault is needed.'
  if (hiddenMount === undefined) return 'Vault is reachable, and the mount is KV version 2.'
  return `Vault is reachable, but this token cannot see the mount ${hiddenMount}. list works, and get works without credentials.`
}

const DATABASE_STATUS = {
  empty: 'The database is empty. init would create all tables.',
  adoptable: 'The application’s tables exist. init would add dsctl’s own tables in schema dsctl.',
  ready: 'The database is ready.',
} as const

/** Saves the settings in the profile. Returns whether the profile changed. */
async function save(context: Context): Promise<boolean> {
  const settings = context.settings()
  const { changed, urlOmitted } = await saveServers(settings)
  if (urlOmitted) context.note('database.url was not saved because it contains a password. Keep it in the environment.')
  if (changed) context.note(`Saved the settings as profile ${settings.profile}.`)
  return changed
}

/**
 * The command to run next, which this user may run. If the Vault token has no user, it is the command that sets the
 * user or explains the problem.
 */
async function nextCommand(
  context: Context,
  { email = 'EMAIL' }: Partial<FirstOrganization>,
  vault: VaultCheck,
): Promise<string> {
  const { profile, file } = context.settings()
  const isCurrent = [file.current ?? 'default', context.streams.env.DSCTL_PROFILE].includes(profile)
  const option = isCurrent ? '' : ` --profile ${profile}`
  try {
    const { role } = await whoami(await context.members(MAY.read))
    const mayCreate = canWrite(vault) && MAY.change.some(each => each === role)
    return `dsctl ${mayCreate ? 'create' : 'list'}${option}`
  } catch (error) {
    if (!(error instanceof DsctlError) || isInterruption(error.code)) throw error
    context.warn([error.message, error.details.hint ?? ''].join(' ').trim())
    return vault.token?.isRoot ? `dsctl config set user ${email}${option}` : `dsctl whoami${option}`
  }
}

const EXAMPLES = `
Creates what is missing and changes nothing that exists. If an application has
created its own tables, init only adds the tables of dsctl, in schema dsctl.

Examples:
  dsctl init
  dsctl init --database-url postgres://dsctl@db.example.com/app \\
    --vault-addr https://vault.example.com:8200 \\
    --org Acme --admin you@example.com
  dsctl init --check
`
