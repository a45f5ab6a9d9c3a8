import { describe, expect, test } from 'vitest'
import { sourceTypes } from '../src/source-types/index.ts'
import { HELD_STATEMENTS } from './histories/client.ts'
import { MUTANTS } from './histories/mutants.ts'
import { type Import, readSourceFiles, type SourceFile, sourceText, sourceTexts } from './support/source-files.ts'

// Which folders (and files at the root of src/) each one may import, from the bottom up. `type:` allows only types,
// `lazy:` only imports at the moment of use. A folder whose files may import each other lists itself.
const MAY_IMPORT: Readonly<Record<string, string>> = {
  // The base: no knowledge of stores, terminals or commands.
  lib: 'lib',
  domain: 'domain',
  'source-types': 'source-types domain lib',
  ports: 'ports domain type:source-types',

  // The business rules know the stores only through ports.
  operations: 'operations ports source-types domain lib',

  // Adapters know the ports but not each other, except that the embedded Postgres shares the SQL of the real one.
  postgres: 'postgres ports type:source-types domain lib',
  vault: 'vault ports type:source-types domain lib',
  embedded: 'embedded postgres ports type:source-types domain lib',
  connectors: 'connectors ports type:source-types type:domain lib',
  settings: 'settings domain lib',
  terminal: 'terminal source-types domain lib',
  backends: 'backends vault postgres lazy:embedded ports settings domain lib',

  // From the command line to an operation, and from its result to the output.
  views: 'views type:operations ports source-types settings type:terminal domain lib',
  requests: 'requests type:cli type:operations ports source-types settings type:terminal domain lib',
  commands: 'commands cli views requests operations ports source-types settings terminal domain lib',
  cli: 'cli type:operations ports source-types settings terminal backends lazy:connectors domain lib',
  program: 'cli lazy:commands domain lib',
  run: 'program cli lazy:operations terminal domain lib',
  main: 'lazy:run',
}

/** Costs too much at start-up, so every import of it is lazy. */
const ALWAYS_LAZY = ['lib/yaml.ts']

/** Packages, with the folders and files that may import them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kysely: ['postgres', 'embedded'],
  pg: ['postgres', 'embedded', 'connectors'],
  mysql2: ['connectors'],
  '@noble/curves': ['connectors'],
  ssh2: ['connectors', 'lib/decrypt-private-key.ts'],
  'node-vault': ['vault'],
  'https-proxy-agent': ['vault'],
  'http-proxy-agent': ['vault'],
  '@electric-sql/pglite': ['embedded'],
  'age-encryption': ['embedded'],
  'proper-lockfile': ['embedded', 'settings'],
  '@inquirer/prompts': ['terminal'],
  '@inquirer/core': ['terminal'],
  chalk: ['terminal'],
  'cli-table3': ['terminal'],
  'string-width': ['terminal'],
  conf: ['settings'],
  'env-paths': ['settings'],
  zod: ['source-types'],
  yaml: ['lib/yaml.ts'],
  commander: ['program', 'run', 'cli', 'commands'],
}

/** The files that may read `process`; everything else gets what it needs as parameters. */
const KNOW_THE_PROCESS = ['cli/open-context.ts', 'lib/v8-flags.ts', 'settings']

const MAX_LINES = 200

const files = readSourceFiles()

test('src/ is read, with imports of every kind', () => {
  const kinds = files.flatMap(({ imports }) => imports.map(({ kind }) => kind))
  expect(files.length).toBeGreaterThan(50)
  expect(new Set(kinds)).toEqual(new Set(['static', 'dynamic', 'type']))
})

describe('Imports', () => {
  test('each folder of src/ has a rule, and every import is allowed by it', () => {
    const refused = files.flatMap(file =>
      file.imports.filter(found => !isAllowed(file, found)).map(describeImport(file)),
    )
    expect(refused).toEqual([])
    expect(files.map(layerOf).filter(layer => MAY_IMPORT[layer] === undefined)).toEqual([])
  })

  test('requests/ has no access to the stores', () => {
    // Of the two interfaces of cli/context.ts, InputContext is the one without stores.
    const withStores = files.filter(({ path, names }) => path.startsWith('requests/') && names.includes('Context'))
    expect(withStores.map(({ path }) => path)).toEqual([])
  })

  test('a module that is slow to load is always imported lazily', () => {
    const eager = files.flatMap(file =>
      file.imports
        .filter(found => ALWAYS_LAZY.includes(found.file ?? '') && found.kind === 'static')
        .map(describeImport(file)),
    )
    expect(eager).toEqual([])
  })

  test('at most four files are loose in src/', () => {
    expect(files.filter(({ path }) => !path.includes('/')).length).toBeLessThanOrEqual(4)
  })

  test('a package is imported where it belongs and nowhere else', () => {
    const refused = files.flatMap(file =>
      file.imports.filter(found => !isAtHome(file, found)).map(describeImport(file)),
    )
    expect(refused).toEqual([])
  })

  test('no files import each other in a cycle, not even for types', () => {
    expect(cycles(files)).toEqual([])
  })

  test('a command is imported by program.ts alone, when it runs', () => {
    const imports = files.flatMap(file => file.imports.map(found => ({ by: file.path, ...found })))
    // commands/steps/ has what several commands share.
    const ofCommands = imports.filter(({ file }) => file !== undefined && isCommand(file))
    expect(new Set(ofCommands.map(({ by, kind }) => `${by} ${kind}`))).toEqual(new Set(['program.ts dynamic']))
    expect(ofCommands.map(({ file }) => file).sort()).toEqual(files.map(({ path }) => path).filter(isCommand))
  })

  test('no file re-exports another, and source-types/index.ts is the only index', () => {
    const passedOn = files.flatMap(file =>
      file.imports.filter(({ reExport, file: of }) => reExport && of).map(describeImport(file)),
    )
    expect(passedOn).toEqual([])
    expect(files.map(({ path }) => path).filter(path => /(^|\/)index\.ts$/.test(path))).toEqual([
      'source-types/index.ts',
    ])
  })

  test('only open-context, settings and v8-flags read the process', () => {
    const know = files.filter(({ names, imports }) => {
      return names.includes('process') || imports.some(({ specifier }) => /^(node:)?process$/.test(specifier))
    })
    expect(
      know
        .map(({ path }) => path)
        .filter(path => !KNOW_THE_PROCESS.includes(path) && !KNOW_THE_PROCESS.includes(layer(path))),
    ).toEqual([])
  })
})

describe('A source type', () => {
  const names = sourceTypes.map(({ name }) => name)

  test('has its own file, which only source-types/ imports', () => {
    const refused = files.flatMap(file =>
      file.path.startsWith('source-types/')
        ? []
        : file.imports
            .filter(({ file: of }) => names.some(name => of === `source-types/types/${name}.ts`))
            .map(describeImport(file)),
    )
    expect(refused).toEqual([])
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(names.map(name => `source-types/types/${name}.ts`)),
    )
  })

  test('is named in its own file and nowhere else', () => {
    const named = files.flatMap(({ path, strings }) =>
      strings.filter(text => names.includes(text)).map(name => ({ path, name })),
    )
    const elsewhere = named.filter(({ path, name }) => path !== `source-types/types/${name}.ts`)
    // The exceptions are a value of libpq's parameter sslnegotiation.
    const isException = (path: string) => ['domain/libpq-parameters.ts', 'lib/postgres-login.ts'].includes(path)
    expect(elsewhere.filter(({ path, name }) => name !== 'postgres' || !isException(path))).toEqual([])
    expect(new Set(named.map(({ name }) => name))).toEqual(new Set(names))
  })

  // For instance as keys of a table. `postgres` is exempt, since dsctl itself uses Postgres.
  test('is not a name in the code outside source-types/', () => {
    const others = names.filter(name => name !== 'postgres')
    const outside = files.filter(({ path }) => !path.startsWith('source-types/'))
    const found = outside.flatMap(({ path, names, keys }) =>
      [...names, ...keys].filter(name => others.includes(name)).map(name => `${path}: ${name}`),
    )
    expect(found).toEqual([])
  })
})

describe('A file', () => {
  test(`has at most ${MAX_LINES} lines, unless it contains only types and data`, () => {
    const long = files.filter(({ lines, hasFunctions }) => lines > MAX_LINES && hasFunctions)
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([])
  })

  test('of ports/ or operations/ documents every function that it exports', () => {
    const rules = files.filter(({ path }) => /^(ports|operations)\//.test(path))
    const exported = rules.flatMap(({ path, exportedFunctions }) => exportedFunctions.map(each => ({ path, ...each })))
    expect(exported.length).toBeGreaterThan(20)
    expect(exported.filter(({ documented }) => !documented).map(({ path, name }) => `${path}: ${name}`)).toEqual([])
  })
})

// test/histories holds these statements. It would miss bugs if one were renamed only in src.
test('each statement that the histories hold exists', () => {
  const texts = sourceTexts()
  const missing = HELD_STATEMENTS.filter(name => !texts.some(text => text.includes(`/* dsctl ${name} */`)))
  expect(missing).toEqual([])
})

// test/histories builds programs with a piece of the source replaced. This finds a stale one at once.
test('each mutant of the histories replaces text that its file contains once', () => {
  const stale = MUTANTS.filter(({ file, original }) => sourceText(file).split(original).length !== 2)
  expect(stale.map(({ file, original }) => `${file}: ${original}`)).toEqual([])
})

function isCommand(path: string): boolean {
  return /^commands\/[^/]+$/.test(path)
}

function isAllowed(file: SourceFile, { file: imported, kind }: Import): boolean {
  if (imported === undefined) return true
  const rule = (MAY_IMPORT[layerOf(file)] ?? '').split(' ')
  const to = layer(imported)
  return rule.includes(to) || (kind === 'type' && rule.includes(`type:${to}`)) || isLazily(rule, to, kind)
}

// A lazy import needs the types of its module.
function isLazily(rule: readonly string[], to: string, kind: Import['kind']): boolean {
  return kind !== 'static' && rule.includes(`lazy:${to}`)
}

function isAtHome(file: SourceFile, { file: imported, specifier }: Import): boolean {
  if (imported !== undefined || specifier.startsWith('node:')) return true
  const home = PACKAGES[packageOf(specifier)] ?? []
  return home.includes(file.path) || home.includes(layerOf(file))
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function layerOf({ path }: SourceFile): string {
  return layer(path)
}

/** The folder in src/, or the file's name without its ending: `operations`, `errors`. */
function layer(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, '')
}

function describeImport(file: SourceFile): (found: Import) => string {
  return ({ specifier, kind }) => `${file.path} imports ${specifier} (${kind})`
}

/** Each cycle of imports once, as a path of files. */
function cycles(all: readonly SourceFile[]): string[] {
  const importsOf = new Map(all.map(({ path, imports }) => [path, imports.flatMap(({ file }) => file ?? [])]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(' -> '))
    if (way.includes(path) || done.has(path)) return
    for (const next of importsOf.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of all) visit(path, [])
  return found
}
