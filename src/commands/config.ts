import { Argument, type Command } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { getSettingKey, SETTING_KEYS } from '../settings/keys.ts'
import { redactSetting } from '../settings/redact-setting.ts'
import { profilesView, settingsView } from '../views/settings.ts'

/** `dsctl config list|get|set|unset|use|profiles|path`. */
export function define(command: Command, context: Context): void {
  const sub = (name: string, summary: string) =>
    command.command(name).summary(summary).description(summary).copyInheritedSettings(command)
  sub('list', 'show each setting, its value and where it comes from').action(() => list(context))
  sub('get', 'print one setting')
    .addArgument(key())
    .action((key: string) => get(context, key))
  sub('set', 'keep a setting in the profile')
    .addArgument(key())
    .argument('<value>')
    .action((key: string, value: string) => set(context, key, value))
  sub('unset', 'take a setting out of the profile')
    .addArgument(key())
    .action((key: string) => set(context, key, undefined))
  sub('use', 'use this profile where none is named')
    .addArgument(withCompletion(new Argument('<profile>'), 'profiles'))
    .action((profile: string) => use(context, profile))
  sub('profiles', 'list the profiles').action(() => profiles(context))
  sub('path', 'print where the settings file is').action(() => path(context))
  command.addHelpText('afterAll', EXAMPLES)
}

function key(): Argument {
  return withCompletion(
    new Argument('<key>'),
    SETTING_KEYS.map(setting => setting.key),
  )
}

async function list(context: Context): Promise<void> {
  answerHasNo(context, 'name', 'id')
  await context.print(settingsView(context.settings()))
}

async function profiles(context: Context): Promise<void> {
  answerHasNo(context, 'id')
  await context.print(profilesView(context.settings()))
}

async function get(context: Context, name: string): Promise<void> {
  answerHasNo(context, 'name', 'id')
  const { key } = getSettingKey(name)
  const value = context.settings().get(key)
  if (value === undefined) throw invalid(`${key} is not set.`, [], `dsctl config set ${key} VALUE sets it.`)
  const text = redactSetting(key, value) ?? ''
  await context.print({ kind: 'lines', data: { key, value: text }, lines: [text] })
}

async function set(context: Context, name: string, value: string | undefined): Promise<void> {
  const { key } = getSettingKey(name)
  context.flags = { ...context.flags, profileMayBeNew: value !== undefined, profileMayBeWrong: true }
  const { profile } = context.settings()
  await context.saveProfile(profile, { [key]: value })
  context.note(value === undefined ? `Took ${key} out of profile ${profile}.` : `Set ${key} in profile ${profile}.`)
}

async function use(context: Context, profile: string): Promise<void> {
  await context.useProfile(profile)
  context.note(`Using profile ${profile}.`)
}

async function path(context: Context): Promise<void> {
  answerHasNo(context, 'name', 'id')
  const { path } = context.settings()
  await context.print({ kind: 'lines', data: { path }, lines: [path] })
}

const EXAMPLES = `
Flag, then environment, then profile, then default.

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
