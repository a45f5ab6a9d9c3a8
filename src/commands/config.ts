import { Argument, type Command } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { invalid } from '../domain/errors.ts'
import { getSettingKey, SETTING_KEYS } from '../settings/keys.ts'
import { redactSetting } from '../settings/redact-setting.ts'
import { profilesView, settingsView } from '../views/settings.ts'

/** `dsctl config list|get|set|unset|use|profiles|path`. */
export function define(command: Command, context: Context): void {
  const sub = (name: string, summary: string) =>
    command.command(name).summary(summary).description(summary).copyInheritedSettings(command)
  sub('list', 'show each setting, its value and its source').action(() => list(context))
  sub('get', 'print one setting')
    .addArgument(keyArgument())
    .action((key: string) => get(context, key))
  sub('set', 'save a setting in the profile')
    .addArgument(keyArgument())
    .argument('<value>')
    .action((key: string, value: string) => set(context, key, value))
  sub('unset', 'remove a setting from the profile')
    .addArgument(keyArgument())
    .action((key: string) => unset(context, key))
  sub('use', 'make a profile the default')
    .addArgument(withCompletion(new Argument('<profile>'), 'profiles'))
    .action((profile: string) => use(context, profile))
  sub('profiles', 'list the profiles').action(() => profiles(context))
  sub('path', 'print the path of the settings file').action(() => path(context))
  command.addHelpText('afterAll', EXAMPLES)
}

function keyArgument(): Argument {
  return withCompletion(
    new Argument('<key>'),
    SETTING_KEYS.map(({ key }) => key),
  )
}

async function list(context: Context): Promise<void> {
  const format = formatWithout(context, 'name', 'id')
  await context.print(settingsView(context.settings()), format)
}

async function profiles(context: Context): Promise<void> {
  const format = formatWithout(context, 'id')
  await context.print(profilesView(context.settings()), format)
}

async function get(context: Context, name: string): Promise<void> {
  const format = formatWithout(context, 'name', 'id')
  const { key } = getSettingKey(name)
  const value = context.settings().get(key)
  if (value === undefined) throw invalid(`${key} is not set.`, [], `Run dsctl config set ${key} VALUE to set it.`)
  const text = redactSetting(key, value) ?? ''
  await context.print({ kind: 'lines', data: { key, value: text }, lines: [text] }, format)
}

async function set(context: Context, name: string, value: string): Promise<void> {
  const { key } = getSettingKey(name)
  context.overrideSettings({}, { allowNewProfile: true, allowInvalidValues: true })
  const { profile } = context.settings()
  await context.saveProfile(profile, { [key]: value })
  context.note(`Set ${key} in profile ${profile}.`)
}

async function unset(context: Context, name: string): Promise<void> {
  const { key } = getSettingKey(name)
  context.overrideSettings({}, { allowInvalidValues: true })
  const { profile } = context.settings()
  await context.saveProfile(profile, { [key]: undefined })
  context.note(`Unset ${key} in profile ${profile}.`)
}

async function use(context: Context, profile: string): Promise<void> {
  await context.useProfile(profile)
  context.note(`Using profile ${profile}.`)
}

async function path(context: Context): Promise<void> {
  const format = formatWithout(context, 'name', 'id')
  const { path } = context.settings()
  await context.print({ kind: 'lines', data: { path }, lines: [path] }, format)
}

const EXAMPLES = `
An option overrides the environment, which overrides the profile, which
overrides the default.

Examples:
  dsctl config list
  dsctl config get vault.addr
  dsctl config set env production
  dsctl config set output json --profile staging
  dsctl config unset env
  dsctl config use staging
  dsctl config profiles
  dsctl config path
`
