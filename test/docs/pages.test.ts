import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { anchors, blocks, links, PAGES } from '../support/docs.ts'
import { dsctl } from '../support/run.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

describe('Links', () => {
  const all = PAGES.flatMap(page => links(page).map(link => ({ from: page.path, ...link })))

  test('lead to a file of the package', () => {
    const packed = packedFiles()
    expect(all.length).toBeGreaterThan(40)
    expect(all.filter(({ file }) => !packed.includes(file))).toEqual([])
  })

  test('lead to a heading that exists', () => {
    const headings = new Map(PAGES.map(({ path, text }) => [path, anchors(text)]))
    const broken = all.filter(({ file, anchor }) => anchor !== undefined && !headings.get(file)?.includes(anchor))
    expect(broken).toEqual([])
  })

  test('reach every page from the README', () => {
    const reached = new Set(['README.md'])
    for (const path of reached) {
      for (const { from, file } of all) if (from === path && file.endsWith('.md')) reached.add(file)
    }
    expect(PAGES.map(({ path }) => path).filter(path => !reached.has(path))).toEqual([])
  })
})

test('Every file and folder of the repository that a page names exists', () => {
  const named = PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:src|test|docs|\.ci)\/[\w./-]+)`/g)].map(([, name = '']) => ({ path, name })),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(({ name }) => !existsSync(join(ROOT, name)))).toEqual([])
})

test('The README has at most 200 lines', () => {
  const readme = PAGES.find(({ path }) => path === 'README.md')
  expect(readme?.text.split('\n').length).toBeLessThanOrEqual(201)
})

test('Commands that are not run have only flags that their help lists', async () => {
  const shellBlocks = PAGES.flatMap(({ text }) => blocks(text)).filter(({ language }) => language === 'sh')
  const commands = shellBlocks.flatMap(
    ({ text }) => text.replaceAll('\\\n', ' ').match(/\bdsctl [a-z][^|;<>\n]*/g) ?? [],
  )
  const unknown = await Promise.all(commands.map(unknownFlags))
  expect(commands.length).toBeGreaterThan(5)
  expect(unknown.flat()).toEqual([])
})

/** The flags of a command line that its help does not list; the whole line if there is no such command. */
async function unknownFlags(line: string): Promise<string[]> {
  const words = line.trim().split(/\s+/).slice(1)
  const end = words.findIndex(word => !/^[a-z][a-z-]*$/.test(word))
  const help = await helpOf(words.slice(0, end < 0 ? words.length : end))
  const flags = words.filter(word => /^--?[a-z]/.test(word))
  return help === undefined ? [line] : flags.filter(flag => !help.includes(`${flag} `) && !help.includes(`${flag}, `))
}

const helps = new Map<string, Promise<string | undefined>>()

function helpOf(words: readonly string[]): Promise<string | undefined> {
  const command = words.join(' ')
  const known = helps.get(command)
  if (known) return known
  const help = dsctl([...words, '--help']).then(({ code, stdout }) => (code === 0 ? stdout : undefined))
  helps.set(command, help)
  return help
}

function packedFiles(): readonly string[] {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return JSON.parse(packed)[0].files.map(({ path }: { path: string }) => path)
}
