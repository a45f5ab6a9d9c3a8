import fc from 'fast-check'

// What a random history consists of. All of it is data, so that fast-check can print it, shrink it and run it again.

/** A source by name, or by the id of one that exists at the start: `#a`. */
export type Ref = Name | `#${Name}`
export type Name = 'a' | 'b' | 'c'

/** Each command writes a host and a port that no other command writes, except for the host `initial`. */
export type Command =
  | { readonly kind: 'create'; readonly name: Name }
  | { readonly kind: 'update'; readonly ref: Ref; readonly fields: readonly Field[]; readonly name: Name | undefined }
  | { readonly kind: 'delete'; readonly ref: Ref }
  | { readonly kind: 'apply'; readonly items: readonly Item[] }
  | { readonly kind: 'doctor' }

/** A request in an apply. Its host is its `own`, or the `initial` one that every source has at the start. */
export interface Item {
  readonly name: Name
  readonly host: 'own' | 'initial'
}

export type Field = 'host' | 'port'

/** What happens to a message or to its sender. */
export type Fault = (typeof FAULTS)[number]

const FAULTS = [
  'kill before',
  'kill after',
  'cut before',
  'cut after',
  'swallow before',
  'swallow after',
  'hang up',
  'time out',
] as const

/** What happens next. `pick` selects among the possible choices of that moment. */
export type Event =
  | { readonly do: 'step'; readonly pick: number }
  /** One process runs alone for some steps. Many important schedules rarely switch between processes. */
  | { readonly do: 'run'; readonly pick: number; readonly steps: number }
  | { readonly do: 'fault'; readonly pick: number; readonly fault: Fault }
  /** A message arrives after its sender has ended or given up. */
  | { readonly do: 'late'; readonly pick: number }
  /** All held messages are delivered at once. */
  | { readonly do: 'all' }
  | { readonly do: 'expire leases' }
  /** All leases expire, and a doctor settles every intent while the owners are still running. */
  | { readonly do: 'settle' }
  /** A secret is written without dsctl. */
  | { readonly do: 'outside'; readonly pick: number }

/** When a message arrives that is still held after its sender has ended. */
export type Late = 'never' | 'before doctor' | 'after doctor'

export interface History {
  /** The sources that exist at the start. */
  readonly present: readonly Name[]
  /** The commands of each process, in order. */
  readonly programs: readonly (readonly Command[])[]
  readonly events: readonly Event[]
  /** For each message that is still held at the end. */
  readonly late: readonly Late[]
}

// Mostly the same source, so that commands conflict.
const ref = fc.constantFrom<Ref>('a', 'a', 'a', 'a', '#a', '#a', '#a', '#a', 'b', 'b', 'c')
const name = fc.constantFrom<Name>('a', 'b', 'b', 'c', 'c')
const pick = fc.nat({ max: 5 })

const COMMANDS: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Command> }[] = [
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('create'), name }) },
  { weight: 4, arbitrary: update(['host'], fc.option(name, { nil: undefined, freq: 2 })) },
  { weight: 2, arbitrary: update(['host', 'port'], fc.option(name, { nil: undefined, freq: 2 })) },
  { weight: 2, arbitrary: update(['port'], fc.constant(undefined)) },
  { weight: 1, arbitrary: update([], name) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), ref }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('apply'), items: batch() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('doctor') }) },
]

/** Each history uses only some kinds of commands. A few kinds that interact often find more bugs than all kinds at once. */
const programs = fc
  .subarray([...COMMANDS], { minLength: 2 })
  .chain(some => fc.tuple(...[1, 2, 3].map(() => fc.array(fc.oneof(...some), { maxLength: 3, size: 'max' }))))

function update(fields: readonly Field[], name: fc.Arbitrary<Name | undefined>): fc.Arbitrary<Command> {
  return fc.record({ kind: fc.constant('update'), ref, fields: fc.constant(fields), name })
}

/** Requests for two or three names; `a` usually exists, the others usually do not. */
function batch(): fc.Arbitrary<readonly Item[]> {
  const item = fc.record({
    name: fc.constantFrom<Name>('a', 'b', 'c'),
    host: fc.constantFrom<Item['host']>('own', 'initial'),
  })
  return fc.uniqueArray(item, { minLength: 2, maxLength: 3, selector: ({ name }) => name })
}

// Killing a process takes longer than the rest of a history, so it is rarer: more histories run in the same time.
const fault = fc.oneof(
  ...FAULTS.map(each => ({ weight: each.startsWith('kill') ? 1 : 2, arbitrary: fc.constant(each) })),
)

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('step'), pick }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('run'), pick, steps: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('fault'), pick, fault }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('late'), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('all') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire leases') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('outside'), pick }) },
)

/** Three processes with up to three commands each. */
export const histories: fc.Arbitrary<History> = fc.record({
  present: fc.constantFrom<Name[]>(['a'], ['a'], ['a'], ['a', 'b'], ['a', 'b'], []),
  programs,
  events: fc.array(event, { maxLength: 30, size: 'max' }),
  late: fc.array(fc.constantFrom<Late>('never', 'before doctor', 'after doctor'), { maxLength: 6, size: 'max' }),
})
