import { parseAst } from 'vitest/node'
import { readSourceFiles, sourceText } from './source-files.ts'

/** Which argument of a call is the message of an error or a warning. */
const MESSAGE_ARGUMENT: Readonly<Record<string, number>> = {
  invalid: 0,
  warn: 0,
  DsctlError: 1,
  UnavailableError: 1,
}

// biome-ignore lint/suspicious/noExplicitAny: a node of the syntax tree has whatever properties its type has
type Node = { readonly type: string } & Readonly<Record<string, any>>

/** The messages of errors and warnings in src/, with `…` for each inserted value. Without those that a variable holds. */
export function errorMessages(): readonly { readonly path: string; readonly text: string }[] {
  return readSourceFiles().flatMap(({ path }) => {
    const program = parseAst(sourceText(path), { lang: 'ts' }) as unknown as Node
    return [...descendants(program)].flatMap(messagesOf).map(text => ({ path, text }))
  })
}

function messagesOf(node: Node): readonly string[] {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return []
  const name = node.callee.name ?? node.callee.property?.name
  const at = MESSAGE_ARGUMENT[name]
  return at === undefined ? [] : textsOf(node.arguments[at])
}

/** The texts that an expression may have. */
function textsOf(node: Node | undefined): readonly string[] {
  if (node?.type === 'ConditionalExpression') return [...textsOf(node.consequent), ...textsOf(node.alternate)]
  if (node?.type === 'TemplateLiteral') return [node.quasis.map((part: Node) => part.value.cooked).join('…')]
  return node?.type === 'Literal' && typeof node.value === 'string' ? [node.value] : []
}

function* descendants(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* descendants(child)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}
