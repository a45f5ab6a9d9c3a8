import { redactSetting } from '../settings/redact-setting.ts'
import type { Settings } from '../settings/settings.ts'
import type { ListView } from '../terminal/view.ts'

interface SettingRow {
  readonly key: string
  readonly value: string | undefined
  readonly source: string
}

/** The output of `config list`: each setting and its source. */
export function settingsView({ all, embeddedFolder }: Settings): ListView<SettingRow> {
  const settings = all.map(({ key, value, source }) => ({ key, value: redactSetting(key, value), source }))
  return {
    kind: 'list',
    data: [...settings, ...(embeddedFolder ? [{ key: 'DSCTL_HOME', ...embeddedFolder }] : [])],
    empty: '',
    columns: [
      { title: 'KEY', value: setting => setting.key, fixed: true },
      { title: 'VALUE', value: setting => setting.value },
      { title: 'FROM', value: setting => setting.source },
    ],
  }
}

/** The output of `config profiles`. */
export function profilesView({ file, profile }: Settings): ListView<{ name: string; current: boolean }> {
  return {
    kind: 'list',
    data: Object.keys(file.profiles).map(name => ({ name, current: name === profile })),
    empty: 'No profiles except the built-in one, embedded. Run dsctl init to create one.',
    columns: [
      { title: 'PROFILE', value: each => each.name },
      { title: 'IN USE', value: each => (each.current ? 'yes' : 'no') },
    ],
  }
}
