import type { InputContext } from '../../cli/context.ts'
import { LOCATING_VARIABLES } from '../../domain/libpq-parameters.ts'
import type { Secret } from '../../domain/secret.ts'
import type { FirstOrganization } from '../../ports/setup.ts'
import type { SettingFlags } from '../../settings/keys.ts'
import { redactSetting } from '../../settings/redact-setting.ts'
import { settingProblem } from '../../settings/setting-problem.ts'
import { EMBEDDED_PROFILE, type Settings } from '../../settings/settings.ts'
import { tokenSource } from '../../settings/vault-token.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import { adminProblem } from '../first-organization.ts'

/** Which servers are already configured, and whether a Vault token was found. */
export interface FoundServers {
  readonly database: boolean
  readonly vault: boolean
  readonly token: boolean
}

type ServerKey = 'database.url' | 'vault.addr' | 'vault.mount'

/** Prints which servers are configured, and the source of each setting. */
export function showServers(context: InputContext, prompter: Prompter): FoundServers {
  const { env } = context.streams
  const settings = context.settings()
  const libpq = LOCATING_VARIABLES.filter(name => env[name])
  const fromLibpq = libpq.length ? `${libpq.join(', ')} (environment)` : undefined
  const database = describeSetting(settings, 'database.url') ?? fromLibpq
  const vault = describeSetting(settings, 'vault.addr')
  const token = tokenSource(env)
  prompter.tell(`Postgres: ${database ?? 'not set'}`)
  prompter.tell(`Vault: ${vault ?? 'not set'}`)
  prompter.tell(`Vault token: ${token ?? 'not set'}`)
  return { database: database !== undefined, vault: vault !== undefined, token: token !== undefined }
}

/**
 * The answers, or EMBEDDED_PROFILE if the user wants no servers. `token` is undefined if a token is already set.
 */
export type ServerAnswers =
  | { readonly flags: SettingFlags; readonly token: Secret<string> | undefined }
  | typeof EMBEDDED_PROFILE

/** Opens the questions for the servers and the token that are not set. */
export function serverQuestions(prompter: Prompter, settings: Settings, found: FoundServers) {
  const dialogue = prompter.dialogue()
  const ask = () =>
    dialogue.run(async (each): Promise<ServerAnswers> => {
      const flags = await promptForServers(each, settings, found)
      if (flags === EMBEDDED_PROFILE) return EMBEDDED_PROFILE
      return { flags, token: found.token ? undefined : await promptForToken(each, settings, flags.vaultAddr) }
    })
  return {
    ask,
    /** Asks for the token again. From there, the user can go back to the questions about servers. */
    askAgain() {
      dialogue.reopen((_, answer) => answer)
      return ask()
    },
  }
}

/** Prompts for the servers that are not configured. Returns EMBEDDED_PROFILE if the user wants no servers. */
async function promptForServers(
  prompter: Prompter,
  settings: Settings,
  found: FoundServers,
): Promise<SettingFlags | typeof EMBEDDED_PROFILE> {
  if (!found.database && !found.vault && !(await wantsServers(prompter))) return EMBEDDED_PROFILE
  const isDefaultMount = settings.all.find(({ key }) => key === 'vault.mount')?.source === 'default'
  return {
    ...(!found.database && { databaseUrl: await promptForSetting(prompter, 'Database URL', 'database.url') }),
    ...(!found.vault && { vaultAddr: await promptForSetting(prompter, 'Vault address', 'vault.addr') }),
    ...(isDefaultMount && { vaultMount: await promptForMount(prompter, settings) }),
  }
}

/** Prompts for a Vault token. Names the command for other ways to log in, with the address if it is not saved yet. */
export function promptForToken(prompter: Prompter, settings: Settings, answered?: string): Promise<Secret<string>> {
  const address = settings.all.find(({ key }) => key === 'vault.addr')
  const unsaved = answered ?? (address?.source.startsWith('flag') ? address.value : undefined)
  const login = unsaved === undefined ? 'dsctl login' : `VAULT_ADDR=${unsaved} dsctl login`
  prompter.tell(`To log in another way, press Ctrl-C and run: ${login}`)
  return prompter.askSecret('Vault token')
}

/** Prompts for what is missing to create the first organization. */
export function promptForOrganization(
  prompter: Prompter,
  first: Partial<FirstOrganization>,
): Promise<Partial<FirstOrganization>> {
  return prompter.dialogue().run(async each => {
    const organization = first.organization ?? (await each.askText('Name of the first organization'))
    const email = first.email ?? (await each.askText('E-mail address of its workspace_admin', { check: adminProblem }))
    return { ...first, organization, email }
  })
}

/** A setting's value without secrets, and its source. */
function describeSetting(settings: Settings, key: ServerKey): string | undefined {
  const setting = settings.all.find(each => each.key === key)
  return setting?.value === undefined ? undefined : `${redactSetting(key, setting.value)} (${setting.source})`
}

function wantsServers(prompter: Prompter): Promise<boolean> {
  return prompter.askChoice('Where should data sources be stored?', [
    { value: true, name: 'On servers: the application’s Postgres, and Vault' },
    { value: false, name: 'On this machine, without a server (embedded)' },
  ])
}

function promptForSetting(prompter: Prompter, label: string, key: ServerKey, preset?: string): Promise<string> {
  return prompter.askText(label, { check: text => settingProblem(key, text), default: preset })
}

function promptForMount(prompter: Prompter, settings: Settings): Promise<string> {
  return promptForSetting(prompter, 'Vault mount (KV version 2)', 'vault.mount', settings.get('vault.mount'))
}
