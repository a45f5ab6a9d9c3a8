import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseAst } from 'vitest/node'

const MAX_LINES = 400
const MAX_WORDS = 14
const ROOT = fileURLToPath(new URL('.', import.meta.url))

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter(path => /\.(ts|js|cjs)$/.test(path))
  .map(path => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') }))

test(`a test file has at most ${MAX_LINES} lines`, () => {
  const counted = files.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
  expect(counted.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
})

test(`a test title has at most ${MAX_WORDS} words`, () => {
  const titles = files.filter(({ path }) => path.endsWith('.ts')).flatMap(titlesIn)
  expect(titles.length).toBeGreaterThan(0)
  expect(titles.filter(({ title }) => title.split(/\s+/).length > MAX_WORDS)).toEqual([])
})

// biome-ignore lint/suspicious/noExplicitAny: the properties of a syntax node depend on its type
type Node = { readonly type: string } & Readonly<Record<string, any>>

function titlesIn({ path, text }: { path: string; text: string }): { path: string; title: string }[] {
  const calls = [...descendants(parseAst(text, { lang: 'ts' }))].filter(isTest)
  return calls.flatMap(({ arguments: [first] }) => titleOf(first)).map(title => ({ path, title }))
}

function* descendants(node: unknown): Generator<Node> {
  if (typeof node !== 'object' || node === null) return
  if ('type' in node && typeof node.type === 'string') yield node as Node
  for (const child of Object.values(node)) yield* descendants(child)
}

/** Whether a call declares a test or a group: `test(…)`, `describe.skipIf(…)(…)`, `test.each(…)(…)`. */
function isTest({ type, callee }: Node): boolean {
  if (type !== 'CallExpression') return false
  if (callee.type === 'Identifier') return ['test', 'it', 'describe'].includes(callee.name)
  return (
    ['CallExpression', 'MemberExpression'].includes(callee.type) &&
    isTest({ ...callee, type: 'CallExpression', callee: callee.callee ?? callee.object })
  )
}

/** A title, with one word for each value it includes. */
function titleOf(node: Node | undefined): string[] {
  if (node?.type === 'Literal' && typeof node.value === 'string') return [node.value]
  if (node?.type !== 'TemplateLiteral') return []
  return [node.quasis.map((piece: Node) => piece.value.cooked).join('X')]
}
