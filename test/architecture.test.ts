import { describe, expect, test } from 'vitest'
import { sourceTypes } from '../src/source-types/index.ts'
import { type Import, readSourceFiles, type SourceFile } from './support/source-files.ts'

// Who may import whom: each folder of src/ and each file in it, with what it may import. `type:` allows types alone,
// `lazy:` imports at the moment of use alone. A folder whose files may import each other names itself.
const MAY_IMPORT: Readonly<Record<string, string>> = {
  // What everything stands on.
  errors: '',
  secret: '',
  'output-format': '',
  uuid: '',
  'as-text': '',
  duration: '',
  'v8-flags': '',
  yaml: '',
  'data-source': '',
  'database-url': 'errors',
  ports: 'ports data-source type:source-types type:secret',
  'make-folders': '',
  files: 'files',
  'near-miss': '',
  'source-types': 'source-types near-miss as-text secret errors',

  // The rules, which know their stores as ports alone.
  operations: 'operations data-source ports source-types near-miss secret as-text duration uuid errors',

  // The adapters: each knows the ports, none knows another. The embedded Postgres is the same SQL without a server.
  postgres: 'postgres files data-source database-url ports type:source-types secret uuid errors',
  vault: 'vault ports type:source-types secret uuid errors',
  embedded: 'embedded postgres ports type:source-types secret make-folders v8-flags errors',
  connectors: 'connectors type:source-types type:secret ports',
  settings: 'settings files database-url near-miss output-format make-folders secret errors',
  terminal: 'terminal files source-types output-format lazy:yaml secret errors',

  // From a command line to an operation, and from its result to what is printed.
  context: 'type:ports type:operations type:settings type:terminal',
  offers: '',
  completion: 'offers',
  answers: 'answers data-source errors ports type:operations settings source-types secret type:terminal',
  requests:
    'settings near-miss output-format files requests offers type:context data-source ports operations source-types type:terminal lazy:yaml secret as-text v8-flags uuid errors',
  commands:
    'answers completion offers type:context data-source ports operations requests settings source-types near-miss output-format terminal duration errors',
  'global-options': 'near-miss offers type:context type:settings output-format errors',
  usage: 'near-miss settings errors',
  help: 'usage',
  program: 'near-miss lazy:commands completion type:context global-options help usage output-format errors',

  // What ties it together: these alone know the adapters.
  interruption: 'errors',
  backends: 'ports',
  'connection-settings': 'postgres files type:vault type:ports settings secret errors',
  'open-servers': 'backends connection-settings ports settings lazy:postgres lazy:vault errors',
  'open-embedded': 'backends ports lazy:postgres lazy:embedded errors',
  'open-context':
    'backends lazy:open-servers lazy:open-embedded lazy:connectors type:context global-options type:interruption ' +
    'type:operations ports settings terminal errors',
  run: 'lazy:operations program open-context interruption type:context terminal errors',
  main: 'lazy:run',
}

/** Packages, with the folders and files that may import them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kysely: ['postgres', 'embedded'],
  pg: ['postgres', 'embedded', 'connectors'],
  mysql2: ['connectors'],
  ssh2: ['connectors'],
  'node-vault': ['vault'],
  '@electric-sql/pglite': ['embedded'],
  'age-encryption': ['embedded'],
  'proper-lockfile': ['embedded', 'settings'],
  '@inquirer/prompts': ['terminal'],
  chalk: ['terminal'],
  'cli-table3': ['terminal'],
  'string-width': ['terminal'],
  conf: ['settings'],
  'env-paths': ['settings'],
  zod: ['source-types'],
  // For requests/, which reads a request, and terminal/, which prints data.
  yaml: ['yaml'],
  commander: [
    'program',
    'usage',
    'help',
    'offers',
    'completion',
    'global-options',
    'commands',
    'requests/field-options.ts',
  ],
}

/** Where `process` may be read; everything else is told what it needs to know. */
const KNOW_THE_PROCESS = ['open-context', 'settings', 'v8-flags']

const MAX_LINES = 200

const files = readSourceFiles()

test('src/ is read, with imports of every kind', () => {
  const kinds = files.flatMap(({ imports }) => imports.map(({ kind }) => kind))
  expect(files.length).toBeGreaterThan(50)
  expect(new Set(kinds)).toEqual(new Set(['static', 'dynamic', 'type']))
})

describe('Who may import whom', () => {
  test('each folder and file of src/ has its rule, and no file imports what its rule does not allow', () => {
    const refused = files.flatMap(file => file.imports.filter(found => !isAllowed(file, found)).map(told(file)))
    expect(refused).toEqual([])
    expect(files.map(layerOf).filter(layer => MAY_IMPORT[layer] === undefined)).toEqual([])
  })

  test('a package is imported where it belongs and nowhere else', () => {
    const refused = files.flatMap(file => file.imports.filter(found => !isAtHome(file, found)).map(told(file)))
    expect(refused).toEqual([])
  })

  test('no files import each other in a circle, not even for their types', () => {
    expect(circles(files)).toEqual([])
  })

  test('a command is imported by program.ts alone, when it runs', () => {
    const imports = files.flatMap(file => file.imports.map(found => ({ by: file.path, ...found })))
    const ofCommands = imports.filter(({ file }) => file?.startsWith('commands/'))
    expect(new Set(ofCommands.map(({ by, kind }) => `${by} ${kind}`))).toEqual(new Set(['program.ts dynamic']))
    expect(ofCommands.map(({ file }) => file).sort()).toEqual(
      files.map(({ path }) => path).filter(path => path.startsWith('commands/')),
    )
  })

  test('no file passes on what another exports, and the registry of types is the only index', () => {
    const passedOn = files.flatMap(file =>
      file.imports.filter(({ reExport, file: of }) => reExport && of).map(told(file)),
    )
    expect(passedOn).toEqual([])
    expect(files.map(({ path }) => path).filter(path => /(^|\/)index\.ts$/.test(path))).toEqual([
      'source-types/index.ts',
    ])
  })

  test('the process is known to open-context, settings and v8-flags alone', () => {
    const know = files.filter(({ names, imports }) => {
      return names.includes('process') || imports.some(({ specifier }) => /^(node:)?process$/.test(specifier))
    })
    expect(know.map(({ path }) => path).filter(path => !KNOW_THE_PROCESS.includes(layer(path)))).toEqual([])
  })
})

describe('A source type', () => {
  const names = sourceTypes.map(({ name }) => name)

  test('has a file of its own, which the registry and its next of kin alone import', () => {
    const refused = files.flatMap(file =>
      file.path.startsWith('source-types/')
        ? []
        : file.imports.filter(({ file: of }) => names.some(name => of === `source-types/${name}.ts`)).map(told(file)),
    )
    expect(refused).toEqual([])
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(names.map(name => `source-types/${name}.ts`)))
  })

  test('is named in its own file and nowhere else', () => {
    const named = files.flatMap(({ path, strings }) =>
      strings.filter(text => names.includes(text)).map(name => ({ path, name })),
    )
    expect(named.filter(({ path, name }) => path !== `source-types/${name}.ts`)).toEqual([])
    expect(new Set(named.map(({ name }) => name))).toEqual(new Set(names))
  })

  // As keys of a table, say. `postgres` is not looked for: it is also what dsctl itself runs on.
  test('is no name in the code outside source-types/', () => {
    const others = names.filter(name => name !== 'postgres')
    const outside = files.filter(({ path }) => !path.startsWith('source-types/'))
    const found = outside.flatMap(({ path, names, keys }) =>
      [...names, ...keys].filter(name => others.includes(name)).map(name => `${path}: ${name}`),
    )
    expect(found).toEqual([])
  })
})

describe('A file', () => {
  test(`has at most ${MAX_LINES} lines, unless it holds types and data alone`, () => {
    const long = files.filter(({ lines, hasFunctions }) => lines > MAX_LINES && hasFunctions)
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([])
  })

  test('of the ports and the rules says of every function that it exports what it does', () => {
    const rules = files.filter(({ path }) => /^(ports|operations)\//.test(path))
    const exported = rules.flatMap(({ path, exportedFunctions }) => exportedFunctions.map(each => ({ path, ...each })))
    expect(exported.length).toBeGreaterThan(20)
    expect(exported.filter(({ documented }) => !documented).map(({ path, name }) => `${path}: ${name}`)).toEqual([])
  })
})

function isAllowed(file: SourceFile, { file: imported, kind }: Import): boolean {
  if (imported === undefined) return true
  const rule = (MAY_IMPORT[layerOf(file)] ?? '').split(' ')
  const to = layer(imported)
  return rule.includes(to) || (kind === 'type' && rule.includes(`type:${to}`)) || isLazily(rule, to, kind)
}

// Types of what is imported lazily are needed to name it.
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

function told(file: SourceFile): (found: Import) => string {
  return ({ specifier, kind }) => `${file.path} imports ${specifier} (${kind})`
}

/** Each circle of imports once, as the files on the way round it. */
function circles(all: readonly SourceFile[]): string[] {
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
