import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Command, Event, History, Item, Name } from './history.ts'

const UPDATE: Command = { kind: 'update', ref: '#a', fields: ['host'], name: undefined }
const RENAME: Command = { kind: 'update', ref: '#a', fields: [], name: 'b' }
const CREATE: Command = { kind: 'create', name: 'b' }
const AS_FIRST: Command = { kind: 'apply', items: [{ name: 'a', host: 'first' }] }

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A rule of the protocol left out of the program: `text`, which stands in `file` once, becomes `instead`. */
export interface Mutant {
  readonly rule: string
  readonly file: string
  readonly text: string
  readonly instead: string
  /** One in which that does harm. */
  readonly history: History
}

// So many steps from the beginning of a command, and the message is held that...
const TO_V2 = 4
const TO_S3 = 5
const TO_S2_OF_A_CREATE = 3
// So many, and it has been done and answered that...
const AFTER_V2_OF_AN_APPLY = 7

export const MUTANTS: readonly Mutant[] = [
  {
    rule: 'a last step of an update that does not require the intent to be open',
    file: 'postgres/records/update.ts',
    text: "where i.state = 'open' and i.id",
    instead: 'where i.id',
    history: alone(UPDATE, { do: 'run', pick: 0, steps: TO_S3 }, { do: 'settle' }),
  },
  {
    rule: 'a last step of a create that does not require the intent to be open',
    file: 'postgres/records/create.ts',
    text: "where i.state = 'open' and i.id",
    instead: 'where i.id',
    history: alone(CREATE, { do: 'run', pick: 0, steps: TO_S2_OF_A_CREATE }, { do: 'settle' }),
  },
  {
    rule: 'no fence',
    file: 'operations/two-stores/settle.ts',
    text: 'await secrets.write(at, before ?? {}, base) // The fence: a late write of the secret now fails.\n    return undefined',
    instead: "return 'none'",
    history: alone(UPDATE, { do: 'run', pick: 0, steps: TO_V2 }, { do: 'settle' }),
  },
  {
    rule: 'writes without check-and-set',
    file: 'vault/secrets.ts',
    text: '{ options: { cas }, data: plain }',
    instead: '{ data: plain }',
    history: alone(UPDATE, { do: 'run', pick: 0, steps: TO_V2 }, { do: 'settle' }),
  },
  {
    rule: 'an update that is undone with its credentials left behind',
    file: 'operations/two-stores/settle.ts',
    text: 'intent.baseVersion === null ?',
    instead: 'intent.baseVersion !== undefined ?',
    history: alone(UPDATE, { do: 'run', pick: 0, steps: TO_V2 }, { do: 'fault', pick: 0, fault: 'kill after' }),
  },
  {
    rule: 'a conflict after a lost try taken for one’s own write',
    file: 'operations/update-credentials.ts',
    text: "if (found.answer !== 'gone' && sameCredentials(found.answer, merged)) return",
    instead: 'return',
    history: alone(
      UPDATE,
      { do: 'run', pick: 0, steps: TO_V2 },
      { do: 'fault', pick: 0, fault: 'cut before' },
      { do: 'outside', pick: 0 },
    ),
  },
  {
    rule: 'a refused second try told as a failure of the first',
    file: 'operations/two-stores/begin.ts',
    text: 'if (lost && DID_NOTHING.has(sent.answer.kind) && decides)',
    instead: 'if (lost && DID_NOTHING.has(sent.answer.kind) && !decides)',
    history: {
      present: ['a', 'b'],
      programs: [[RENAME], [{ kind: 'delete', ref: 'b' }]],
      events: [
        { do: 'run', pick: 0, steps: 1 },
        { do: 'fault', pick: 0, fault: 'hang up' },
        { do: 'run', pick: 0, steps: 1 },
        { do: 'run', pick: 1, steps: 8 },
        { do: 'late', pick: 0 },
      ],
      late: [],
    },
  },
  {
    rule: 'an apply that finds unchanged what is unfinished',
    file: 'operations/batch/apply.ts',
    text: 'const settled = !existing.unsettled',
    instead: 'const settled = true',
    history: {
      present: ['a'],
      programs: [[UPDATE], [AS_FIRST], [AS_FIRST]],
      events: [
        { do: 'run', pick: 0, steps: 8 },
        { do: 'run', pick: 1, steps: AFTER_V2_OF_AN_APPLY },
        { do: 'run', pick: 2, steps: 8 },
        { do: 'settle' },
      ],
      late: [],
    },
  },
  {
    rule: 'an apply that finds unchanged what is taken back meanwhile',
    file: 'operations/batch/existing.ts',
    text: 'if (!first || stores.interrupted()) return new Map()',
    instead: 'return new Map()',
    history: {
      present: ['a'],
      programs: [[UPDATE], [AS_FIRST], [AS_FIRST]],
      events: [
        { do: 'run', pick: 0, steps: 8 },
        { do: 'run', pick: 2, steps: 2 },
        { do: 'run', pick: 1, steps: AFTER_V2_OF_AN_APPLY },
        { do: 'run', pick: 2, steps: 1 },
        { do: 'settle' },
      ],
      late: [],
    },
  },
  {
    rule: 'an answer that is given to the wrong one of a batch',
    file: 'operations/batch/coalesce.ts',
    text: 'resolve(answers[nth] as A)',
    instead: 'resolve(answers[0] as A)',
    history: {
      present: [],
      programs: [[{ kind: 'apply', items: [own('a'), own('b')] }], [CREATE]],
      events: [
        { do: 'run', pick: 0, steps: 2 },
        { do: 'run', pick: 1, steps: 8 },
      ],
      late: [],
    },
  },
]

function own(name: Name): Item {
  return { name, host: 'own' }
}

function alone(command: Command, ...events: readonly Event[]): History {
  return { present: ['a'], programs: [[command]], events, late: [] }
}

/** Builds the program without the rule. Gives its run.js. */
export async function builtWithout({ file, text, instead }: Mutant, folder: string): Promise<string> {
  const source = join(ROOT, 'src', file)
  const pieces = readFileSync(source, 'utf8').split(text)
  if (pieces.length !== 2) throw new Error(`${file} has ${pieces.length - 1} times: ${text}`)
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/run.ts'],
    outfile: join(folder, 'run.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    define: { DSCTL_VERSION: '"0.0.0"' },
    external: ['snowflake-sdk', 'tedious', '*.node'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    alias: Object.fromEntries(
      [...UNUSED, '@electric-sql/pglite'].map(name => [name, join(ROOT, '.ci/stubs/empty.cjs')]),
    ),
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) =>
            path === source ? { contents: pieces.join(instead), loader: 'ts' } : undefined,
          ),
      },
    ],
  })
  return join(folder, 'run.js')
}

/** As in the build: what stands behind them is never reached. */
const UNUSED = ['axios', 'tv4', 'mustache', 'debug', 'ajv/dist/2020.js', 'ajv-formats', 'pg-native', 'cpu-features']
