import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/domain/errors.ts'
import { SETTING_KEYS, type SettingKey } from '../../src/settings/keys.ts'
import { typesTable } from '../../src/source-types/describe.ts'
import { sourceTypes } from '../../src/source-types/index.ts'
import { between, getPage } from '../support/docs.ts'

describe('The table', () => {
  test('of types is that of the declarations', () => {
    expect(between('types', getPage('docs/reference/types.md'))).toBe(typesTable(sourceTypes))
  })

  test('of settings is that of the keys', () => {
    expect(between('settings', getPage('docs/reference/settings.md'))).toBe(settingsTable(SETTING_KEYS))
  })

  test('of exit codes has every code with its number, its status and its meaning', () => {
    const rows = [
      ...getPage('docs/reference/exit-codes.md').matchAll(/^\| (\d+) \| (?:`(\w+)`)? ?\| (\d*) ?\| (.*) \|$/gm),
    ]
    const found = rows.map(([, exit, code, status, meaning]) => [
      code ?? 'done',
      Number(exit),
      status ? Number(status) : undefined,
      meaning,
    ])
    const codes = Object.entries(ERROR_CODES).map(([code, { exit, status, meaning }]) => [code, exit, status, meaning])
    expect(found).toEqual([['done', 0, undefined, 'done, or nothing to do'], ...codes])
  })
})

function settingsTable(keys: readonly SettingKey[]): string {
  const rows = keys.map(({ key, env, flag, default: fallback, description }) => {
    const option = flag ? `, \`--${flag.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}\`` : ''
    const variables = env.map(name => `\`${name}\``).join(', then ')
    return `| \`${key}\` | ${variables}${option} | ${fallback ? `\`${fallback}\`` : ''} | ${description} |`
  })
  return ['| setting | environment, flag | default | |', '| --- | --- | --- | --- |', ...rows, ''].join('\n')
}
