import type { Command, Event, History, Item, Name } from './history.ts'

const UPDATE: Command = { kind: 'update', ref: '#a', fields: ['host'], name: undefined }
const RENAME: Command = { kind: 'update', ref: '#a', fields: [], name: 'b' }
const CREATE: Command = { kind: 'create', name: 'b' }
const APPLY_INITIAL: Command = { kind: 'apply', items: [{ name: 'a', host: 'initial' }] }

/** A program without one rule of the protocol: `original`, which occurs once in `file`, becomes `replacement`. */
export interface Mutant {
  /** What the program does instead of following the rule. */
  readonly rule: string
  readonly file: string
  readonly original: string
  readonly replacement: string
  /** A history in which the missing rule causes a problem. */
  readonly history: History
}

// The number of steps from the start of a command until this message is held.
const BEFORE_WRITE_SECRET = 4
const BEFORE_COMMIT_OF_UPDATE = 5
const BEFORE_COMMIT_OF_CREATE = 3
// The number of steps from the start of a command until this message has had its response.
const AFTER_WRITE_SECRET_OF_APPLY = 7

export const MUTANTS: readonly Mutant[] = [
  {
    rule: 'an update commits when its intent is not open',
    file: 'postgres/records/update.ts',
    original: "where i.state = 'open' and i.id",
    replacement: 'where i.id',
    history: runAlone(UPDATE, { do: 'run', pick: 0, steps: BEFORE_COMMIT_OF_UPDATE }, { do: 'settle' }),
  },
  {
    rule: 'a create commits when its intent is not open',
    file: 'postgres/records/create.ts',
    original: "where i.state = 'open' and i.id",
    replacement: 'where i.id',
    history: runAlone(CREATE, { do: 'run', pick: 0, steps: BEFORE_COMMIT_OF_CREATE }, { do: 'settle' }),
  },
  {
    rule: 'settling writes no fence',
    file: 'operations/two-stores/restore-secret.ts',
    original:
      'await secrets.write(at, before ?? {}, base) // The fence: a late write of the secret now fails.\n    return undefined',
    replacement: "return 'none'",
    history: runAlone(UPDATE, { do: 'run', pick: 0, steps: BEFORE_WRITE_SECRET }, { do: 'settle' }),
  },
  {
    rule: 'secrets are written without check-and-set',
    file: 'vault/secrets.ts',
    original: '{ options: { cas }, data: plain }',
    replacement: '{ data: plain }',
    history: runAlone(UPDATE, { do: 'run', pick: 0, steps: BEFORE_WRITE_SECRET }, { do: 'settle' }),
  },
  {
    rule: 'an update is rolled back without its credentials',
    file: 'operations/two-stores/settle.ts',
    original: 'intent.baseVersion === null ?',
    replacement: 'intent.baseVersion !== undefined ?',
    history: runAlone(
      UPDATE,
      { do: 'run', pick: 0, steps: BEFORE_WRITE_SECRET },
      { do: 'fault', pick: 0, fault: 'kill after' },
    ),
  },
  {
    rule: 'a conflict after a lost attempt counts as its own write',
    file: 'operations/update-credentials.ts',
    original: "if (found.answer !== 'gone' && sameCredentials(found.answer, merged)) return",
    replacement: 'return',
    history: runAlone(
      UPDATE,
      { do: 'run', pick: 0, steps: BEFORE_WRITE_SECRET },
      { do: 'fault', pick: 0, fault: 'cut before' },
      { do: 'outside', pick: 0 },
    ),
  },
  {
    rule: 'a refused retry is reported as a failure',
    file: 'operations/two-stores/begin.ts',
    original: 'if (lost && DID_NOTHING.has(sent.answer.kind) && decides)',
    replacement: 'if (lost && DID_NOTHING.has(sent.answer.kind) && !decides)',
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
    rule: 'apply reports unchanged while an operation is unfinished',
    file: 'operations/batch/apply-item.ts',
    original: 'const settled = !existing.unsettled',
    replacement: 'const settled = true',
    history: {
      present: ['a'],
      programs: [[UPDATE], [APPLY_INITIAL], [APPLY_INITIAL]],
      events: [
        { do: 'run', pick: 0, steps: 8 },
        { do: 'run', pick: 1, steps: AFTER_WRITE_SECRET_OF_APPLY },
        { do: 'run', pick: 2, steps: 8 },
        { do: 'settle' },
      ],
      late: [],
    },
  },
  {
    rule: 'apply reports unchanged although a rollback follows',
    file: 'operations/batch/existing.ts',
    original: 'if (!first) return new Map()',
    replacement: 'return new Map()',
    history: {
      present: ['a'],
      programs: [[UPDATE], [APPLY_INITIAL], [APPLY_INITIAL]],
      events: [
        { do: 'run', pick: 0, steps: 8 },
        { do: 'run', pick: 2, steps: 2 },
        { do: 'run', pick: 1, steps: AFTER_WRITE_SECRET_OF_APPLY },
        { do: 'run', pick: 2, steps: 1 },
        { do: 'settle' },
      ],
      late: [],
    },
  },
  {
    rule: 'a coalesced statement returns the first result to every caller',
    file: 'operations/batch/coalesce.ts',
    original: 'resolve(answers[nth] as A)',
    replacement: 'resolve(answers[0] as A)',
    history: {
      present: [],
      programs: [[{ kind: 'apply', items: [itemWithOwnHost('a'), itemWithOwnHost('b')] }], [CREATE]],
      events: [
        { do: 'run', pick: 0, steps: 2 },
        { do: 'run', pick: 1, steps: 8 },
      ],
      late: [],
    },
  },
]

function itemWithOwnHost(name: Name): Item {
  return { name, host: 'own' }
}

function runAlone(command: Command, ...events: readonly Event[]): History {
  return { present: ['a'], programs: [[command]], events, late: [] }
}
