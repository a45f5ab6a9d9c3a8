import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vitest/node'

export interface Import {
  /** As written, for example `../errors.ts` or `zod`. */
  readonly specifier: string
  /** The imported file in src/, for example `errors.ts`; undefined for a package or a module of Node. */
  readonly file: string | undefined
  /** `static` runs with the file, `dynamic` when it is called, `type` never. */
  readonly kind: 'static' | 'dynamic' | 'type'
  /** `export … from`. */
  readonly reExport: boolean
}

export interface SourceFile {
  /** Relative to src/, for example `commands/list.ts`. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  /** Every string literal and piece of a template, except in imports. */
  readonly strings: readonly string[]
  /** Every name that is used or declared, except properties (`a.name`, `{ name: … }`). */
  readonly names: readonly string[]
  /** Names of properties in object literals and types. */
  readonly keys: readonly string[]
  readonly hasFunctions: boolean
  readonly exportedFunctions: readonly { readonly name: string; readonly documented: boolean }[]
}

const ROOT = fileURLToPath(new URL('../../src', import.meta.url))

/** Every file of src/, parsed. */
export function readSourceFiles(): readonly SourceFile[] {
  return paths().map(path => parse(path, sourceText(path)))
}

/** Every file of src/, as text. */
export function sourceTexts(): readonly string[] {
  return paths().map(sourceText)
}

/** A file of src/, for example `run.ts`. */
export function sourceText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function paths(): readonly string[] {
  const all = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).map(path => path.replaceAll(sep, '/'))
  return all.filter(path => path.endsWith('.ts'))
}

// biome-ignore lint/suspicious/noExplicitAny: a node of the syntax tree has whatever properties its type has
type Node = { readonly type: string; readonly start: number } & Readonly<Record<string, any>>

function parse(path: string, text: string): SourceFile {
  const program = parseAst(text, { lang: 'ts' }) as unknown as Node
  const nodes = [...descendants(program)]
  const imports = nodes.flatMap(importOf).map(found => ({ ...found, file: fileOf(path, found.specifier) }))
  const specifiers = new Set(nodes.map(({ source }) => source?.start))
  const properties = new Set(nodes.flatMap(propertyNames).map(({ start }) => start))
  const identifiers = nodes.filter(({ type }) => type === 'Identifier')
  return {
    path,
    lines: text.split('\n').length - 1,
    imports,
    strings: nodes.filter(({ start }) => !specifiers.has(start)).flatMap(stringsOf),
    names: identifiers.filter(({ start }) => !properties.has(start)).map(({ name }) => name),
    keys: identifiers.filter(({ start }) => properties.has(start)).map(({ name }) => name),
    hasFunctions: nodes.some(isFunction),
    exportedFunctions: (program.body as Node[]).flatMap(statement => exportedFunctions(statement, text)),
  }
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

function importOf(node: Node): Omit<Import, 'file'>[] {
  const specifier = node.source?.value
  if (typeof specifier !== 'string') return []
  switch (node.type) {
    case 'ImportDeclaration':
      return [{ specifier, kind: node.importKind === 'type' ? 'type' : 'static', reExport: false }]
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return [{ specifier, kind: node.exportKind === 'type' ? 'type' : 'static', reExport: true }]
    case 'ImportExpression':
      return [{ specifier, kind: 'dynamic', reExport: false }]
    case 'TSImportType':
      return [{ specifier, kind: 'type', reExport: false }]
    default:
      return []
  }
}

function fileOf(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts') : undefined
}

/** The names in a node that are properties rather than variables; `{ name }` is both, and counts as a variable. */
function propertyNames(node: Node): Node[] {
  if (node.type === 'MemberExpression' && !node.computed) return [node.property]
  const { key } = node
  return isNode(key) && !node.computed && !node.shorthand ? [key] : []
}

function stringsOf(node: Node): string[] {
  if (node.type === 'TemplateElement') return [node.value.cooked ?? node.value.raw]
  return node.type === 'Literal' && typeof node.value === 'string' ? [node.value] : []
}

function isFunction({ type, body }: Node): boolean {
  return /^(Function|ArrowFunction)/.test(type) && isNode(body)
}

function exportedFunctions(statement: Node, text: string): { name: string; documented: boolean }[] {
  const { declaration } = statement
  if (statement.type !== 'ExportNamedDeclaration' || !isNode(declaration)) return []
  const declared = declaration.type === 'VariableDeclaration' ? (declaration.declarations as Node[]) : [declaration]
  const functions = declared.filter(each => isFunction(each) || (isNode(each.init) && isFunction(each.init)))
  const documented = text.slice(0, statement.start).trimEnd().endsWith('*/')
  return functions.map(each => ({ name: each.id.name, documented }))
}
