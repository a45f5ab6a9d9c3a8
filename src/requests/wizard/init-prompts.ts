import type { Context, Flags } from '../../cli/context.ts'
import { DsctlError, invalid } from '../../domain/errors.ts'
import { isEmail } from '../../operations/member.ts'
import type { FirstOrganization } from '../../ports/setup.ts'
import { redactSetting } from '../../settings/redact-setting.ts'
import { settingProblem } from '../../settings/setting-problem.ts'
import { EMBEDDED_PROFILE } from '../../settings/settings.ts'
import { tokenSource } from '../../settings/vault-token.ts'
import type { Prompter } from '../../terminal/prompter.ts'

/**
 * Tells a person at a terminal what is there already, asks for the servers that are missing, and logs in where there is
 * no token. Answers the flags that say all this, or that they would rather have no server.
 */
export async function askForServers(context: Context, prompter: Prompter): Promise<Flags | typeof EMBEDDED_PROFILE> {
  const found = tellFound(context)
  if (!found.database && !found.vault && !(await wantsServers(prompter))) return EMBEDDED_PROFILE
  const asked = {
    ...(!found.database && { databaseUrl: await ask(prompter, 'Database URL', 'database.url') }),
    ...(!found.vault && { vaultAddr: await ask(prompter, 'Vault address', 'vault.addr') }),
    ...(isDefault(context, 'vault.mount') && { vaultMount: await askMount(context, prompter) }),
  }
  context.flags = { ...context.flags, ...asked }
  if (!found.token) await logIn(context, prompter)
  return context.flags
}

/** The first organization, as far as flags say it. Throws `invalid` where its admin could never be one. */
export function firstOrganization({ org, admin, adminName }: Flags): Partial<FirstOrganization> {
  if (typeof admin === 'string' && !isEmail(admin)) {
    throw invalid('The first organization cannot be made like this.', [{ field: 'admin', message: NO_ADDRESS }])
  }
  return {
    ...(typeof org === 'string' && { organization: org }),
    ...(typeof admin === 'string' && { email: admin }),
    ...(typeof adminName === 'string' && { name: adminName }),
  }
}

/** Asks who the first organization is to belong to, as far as that is not given. */
export async function askForFirst(
  prompter: Prompter,
  first: Partial<FirstOrganization>,
): Promise<Partial<FirstOrganization>> {
  const organization = first.organization ?? (await prompter.askText('Name of the first organization'))
  const check = (text: string) => (isEmail(text) ? undefined : NO_ADDRESS)
  const email = first.email ?? (await prompter.askText('E-mail address of its workspace_admin', { check }))
  return { ...first, organization, email }
}

const NO_ADDRESS = 'must be an e-mail address'

/** The command to type next: whose token belongs to nobody is told so, and with a root token has to say who they are. */
export async function nextCommand(context: Context, email: string | undefined, isRoot: boolean): Promise<string> {
  const { profile, file } = context.settings()
  const isUsed = [file.current ?? 'default', context.streams.env.DSCTL_PROFILE].includes(profile)
  const named = isUsed ? '' : ` --profile ${profile}`
  try {
    await context.identity()
    return `dsctl create${named}`
  } catch (error) {
    if (!(error instanceof DsctlError) || error.code !== 'forbidden') throw error
    context.warn(`${error.message} ${error.details.hint ?? ''}`)
    return isRoot ? `dsctl config set user ${email ?? 'EMAIL'}${named}` : `dsctl whoami${named}`
  }
}

type Server = 'database.url' | 'vault.addr' | 'vault.mount'

function tellFound(context: Context): { database: boolean; vault: boolean; token: boolean } {
  const { env } = context.streams
  const libpq = ['PGHOST', 'PGSERVICE', 'PGDATABASE', 'PGUSER'].filter(name => env[name])
  const database = of(context, 'database.url') ?? (libpq.length ? `${libpq.join(', ')} (environment)` : undefined)
  const vault = of(context, 'vault.addr')
  const token = tokenSource(env)
  context.note(`Postgres: ${database ?? 'nothing says where it is'}`)
  context.note(`Vault: ${vault ?? 'nothing says where it is'}`)
  context.note(`Vault token: ${token ?? 'there is none'}`)
  return { database: database !== undefined, vault: vault !== undefined, token: token !== undefined }
}

/** A setting's value, as it may be shown, and where it comes from. */
function of(context: Context, key: Server): string | undefined {
  const setting = context.settings().all.find(each => each.key === key)
  return setting?.value === undefined ? undefined : `${redactSetting(key, setting.value)} (${setting.source})`
}

function isDefault(context: Context, key: Server): boolean {
  return context.settings().all.find(each => each.key === key)?.source === 'default'
}

async function wantsServers(prompter: Prompter): Promise<boolean> {
  return prompter.askChoice('Where are data sources to be kept?', [
    { value: true, name: 'On servers: the application’s Postgres, and Vault' },
    { value: false, name: 'On this machine alone, without a server (embedded)' },
  ])
}

function ask(prompter: Prompter, label: string, key: Server, preset?: string): Promise<string> {
  return prompter.askText(label, { check: text => settingProblem(key, text), default: preset })
}

function askMount(context: Context, prompter: Prompter): Promise<string> {
  return ask(prompter, 'Vault mount (KV version 2)', 'vault.mount', context.settings().get('vault.mount'))
}

async function logIn(context: Context, prompter: Prompter): Promise<void> {
  const secret = await prompter.askSecret('Vault token (or Ctrl-C, and dsctl login in another way)')
  const { file } = await (await context.logins()).logIn({ method: 'token', mount: 'token', name: '', secret })
  context.note(`Logged in. The token is kept in ${file}.`)
}
