import { beforeAll, describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/domain/errors.ts'
import { OUTPUT_FORMATS } from '../../src/domain/output-format.ts'
import { sourceTypes } from '../../src/source-types/index.ts'
import { SOURCE_FORMS } from '../../src/source-types/secret-source.ts'
import { dsctl, type RunResult } from '../support/run.ts'
import { sourceTexts } from '../support/source-files.ts'
import { terminal } from '../support/terminal.ts'

// The text of each help page, in a pipe and so for 80 columns. No server is used.

/** By the words of the command, such as `member add`. */
const helps = new Map<string, RunResult>()
const TOPICS = ['exit-codes', 'environment', 'secrets', 'formats']

beforeAll(async () => {
  for (const commands of [[''], commandsIn(await helpOf(''))]) {
    const pages = await Promise.all(commands.map(async words => ({ words, text: await helpOf(words) })))
    const nested = pages.flatMap(({ words, text }) => (words ? commandsIn(text).map(name => `${words} ${name}`) : []))
    await Promise.all(nested.map(helpOf))
  }
}, 60_000)

async function helpOf(words: string): Promise<string> {
  const result = await dsctl([...words.split(' ').filter(Boolean), '--help'])
  helps.set(words, result)
  return result.stdout
}

/** The commands and topics that a help lists. */
function commandsIn(help: string): string[] {
  const lists = (help.match(/^(?:Commands|Help topics):\n(?: .*\n)+/gm) ?? []).join('')
  return [...lists.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter(name => name !== 'help')
}

describe('Every help', () => {
  test('exists for each command, subcommand and topic', () => {
    expect([...helps.keys()]).toEqual(expect.arrayContaining(['', 'create', 'member add', 'audit prune', ...TOPICS]))
    for (const [words, result] of helps) expect(result, words).toMatchObject({ code: 0, stderr: '' })
  })

  test('fits 80 columns', () => {
    const wide = [...helps].flatMap(([words, { stdout }]) =>
      stdout.split('\n').flatMap(line => ([...line].length > 80 ? [`${words}: ${line}`] : [])),
    )
    expect(wide).toEqual([])
  })

  test('has an example of its command, with existing flags', () => {
    const wrong = [...helps].flatMap(([words, { stdout }]) => {
      if (words === '' || TOPICS.includes(words)) return []
      const own = examplesIn(stdout).filter(line => line.startsWith(`dsctl ${words}`))
      const unknown = examplesIn(stdout).flatMap(unknownFlags)
      return own.length ? unknown : [`${words}: no example`, ...unknown]
    })
    expect(wrong).toEqual([])
  })

  test('begins with a sentence, and lists the global options', () => {
    for (const [words, { stdout }] of helps) {
      if (words === '' || TOPICS.includes(words)) continue
      expect(stdout, words).toMatch(/^Usage: dsctl .*\n\n[A-Z][^\n]*\.\n/)
      expect(stdout, words).toContain('--output <format>')
    }
  })
})

test.each([
  ['member add x', 'Run dsctl member add --help to see the usage.'],
  ['audit prune', 'Run dsctl audit prune --help to see the usage.'],
  ['template set x', 'Run dsctl template set --help to see the usage.'],
  ['update X --name Y', 'Pass --set-name NAME to rename the data source.'],
  ['apply s.yaml', 'Pass files and folders with -f: dsctl apply -f sources/'],
])('The error for an invalid command line has a hint: %s', async (words, hint) => {
  const { code, stderr } = await dsctl(words.split(' '))
  expect({ code, hint: stderr.split('\n')[1] }).toEqual({ code: 2, hint })
})

function examplesIn(help: string): string[] {
  const [, text = ''] = help.split(/^Examples:\n/m)
  const lines = text.replaceAll('\\\n', ' ').split('\n')
  return lines.flatMap(line => line.match(/\bdsctl [^|;>#]*/g) ?? []).map(line => line.trim())
}

function unknownFlags(line: string): string[] {
  const words = line.split(/\s+/).slice(1)
  const nested = `${words[0]} ${words[1]}`
  const help = helps.get(nested) ?? helps.get(words[0] ?? '')
  const flags = words.filter(word => /^--?[a-z]/.test(word))
  return flags
    .filter(flag => !new RegExp(`(^|[ ,])${flag}([ ,\n]|$)`, 'm').test(help?.stdout ?? ''))
    .map(flag => `${line}: ${flag}`)
}

describe('Help for one type', () => {
  test.each(sourceTypes.map(({ name }) => name))('%s shows only its own flags, for create and update', async name => {
    const type = sourceTypes.find(each => each.name === name)
    const all = new Set(sourceTypes.flatMap(({ fields }) => Object.keys(fields)))
    for (const args of [
      ['create', '--type', name],
      ['update', `--type=${name}`],
    ]) {
      const { stdout } = await dsctl([...args, '--help'])
      const named = [...all].filter(field => new RegExp(`^  --${field.replaceAll('_', '-')} <`, 'm').test(stdout))
      expect(named.sort()).toEqual(Object.keys(type?.fields ?? {}).sort())
      const required = Object.values(type?.fields ?? {}).filter(field => field.required).length
      expect(stdout.replace(/\s+/g, ' ').split('(required)').length - 1).toBe(args[0] === 'create' ? required : 0)
    }
  })
})

describe('The topic', () => {
  test.each(TOPICS)('%s is printed by help, as a command, and with --help', async topic => {
    const { stdout } = await dsctl(['help', topic])
    expect(stdout.length).toBeGreaterThan(300)
    expect(await dsctl([topic])).toMatchObject({ code: 0, stdout, stderr: '' })
    expect(helps.get(topic)?.stdout).toBe(stdout)
  })

  test('exit-codes lists every code', () => {
    const text = helps.get('exit-codes')?.stdout ?? ''
    for (const [code, { exit, meaning }] of Object.entries(ERROR_CODES)) {
      expect(text).toMatch(new RegExp(`^  ${exit} +${code} +${meaning.split(' ')[0]}`, 'm'))
    }
  })

  test('environment lists every variable that the code reads', () => {
    const text = helps.get('environment')?.stdout ?? ''
    const code = sourceTexts()
      .join('\n')
      .replaceAll(/^\s*(\/\/|\*|\/\*\*).*$/gm, '')
    const found =
      code.match(/\b(?:(?:DSCTL|VAULT)_[A-Z_]*[A-Z]|PG(?!SQL)[A-Z]{3,}|CI|TERM|NO_COLOR|FORCE_COLOR)\b/g) ?? []
    const missing = new Set(found.filter(name => !new RegExp(`\\b${name}\\b`).test(text)))
    expect(found.length).toBeGreaterThan(20)
    expect([...missing].filter(name => name !== 'DSCTL_VERSION')).toEqual([])
  })

  test('secrets lists every form of a source, and formats every format', () => {
    for (const form of Object.keys(SOURCE_FORMS)) expect(helps.get('secrets')?.stdout).toContain(`\n  ${form} `)
    for (const format of OUTPUT_FORMATS) expect(helps.get('formats')?.stdout).toContain(`\n  ${format} `)
  })
})

test.each([80, 60])('The fields of a type are not cut off at %i columns', async columns => {
  const screen = terminal(['types', 'sqlserver'], { columns })
  expect(await screen.exit).toMatchObject({ code: 0 })
  const lines = screen.text().split('\n')
  expect(lines.filter(line => line.length > columns || /…$/.test(line))).toEqual([])
  expect(screen.text()).toMatch(/^port\n {2}label +Port\n {2}required +no\n {2}secret +no\n {2}default +1433\n/m)
})

test('The fields of a type are a table in a wide terminal', async () => {
  const screen = terminal(['types', 'sqlserver'], { columns: 200 })
  expect(await screen.exit).toMatchObject({ code: 0 })
  expect(screen.text()).toMatch(/^FIELD +LABEL +REQUIRED +SECRET +DEFAULT +LIMITS +ALIASES$/m)
})
