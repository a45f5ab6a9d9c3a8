import fc from 'fast-check'

// What a history is made of. All of it is data, so that it can be printed, shrunk and played again.

/** A source by its name, or by the id of one that is there from the beginning: `#a`. */
export type Ref = Name | `#${Name}`
export type Name = 'a' | 'b' | 'c'

/** What it writes is its own: hosts and ports that no other command of the history writes, but for `first`. */
export type Command =
  | { readonly kind: 'create'; readonly name: Name }
  | { readonly kind: 'update'; readonly ref: Ref; readonly fields: readonly Field[]; readonly name: Name | undefined }
  | { readonly kind: 'delete'; readonly ref: Ref }
  | { readonly kind: 'apply'; readonly items: readonly Item[] }
  | { readonly kind: 'doctor' }

/** A request of a batch. Its host is its `own`, or the `first` that every source has from the beginning. */
export interface Item {
  readonly name: Name
  readonly host: 'own' | 'first'
}

export type Field = 'host' | 'port'

/** What becomes of a message and of who has sent it. */
export type Fault = (typeof FAULTS)[number]

const FAULTS = [
  'kill before',
  'kill after',
  'cut before',
  'cut after',
  'swallow before',
  'swallow after',
  'hang up',
  'overtake',
] as const

/** What happens next. `pick` chooses among what can happen at that moment, whatever that is then. */
export type Event =
  | { readonly do: 'step'; readonly pick: number }
  /** One process goes on alone: many schedules that matter have few changes from one to another. */
  | { readonly do: 'run'; readonly pick: number; readonly steps: number }
  | { readonly do: 'fault'; readonly pick: number; readonly fault: Fault }
  /** What is on its way though its sender is gone arrives. */
  | { readonly do: 'late'; readonly pick: number }
  /** All messages that are held go on at once. */
  | { readonly do: 'all' }
  /** All leases end. */
  | { readonly do: 'lapse' }
  /** The same, and a doctor settles all that is unfinished while its owners are still at work. */
  | { readonly do: 'settle' }
  /** Someone writes a secret without dsctl. */
  | { readonly do: 'outside'; readonly pick: number }

/** When a message arrives that is still on its way when its sender is gone. */
export type Late = 'never' | 'before doctor' | 'after doctor'

export interface History {
  /** What is there from the beginning. */
  readonly present: readonly Name[]
  /** What each of the processes runs, in order. */
  readonly programs: readonly (readonly Command[])[]
  readonly events: readonly Event[]
  readonly late: readonly Late[]
}

// Mostly the same source, or nobody would meet anybody.
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

/** Not all that there is in each: a few that meet in many ways find more than all that meet in few. */
const programs = fc
  .subarray([...COMMANDS], { minLength: 2 })
  .chain(some => fc.tuple(...[1, 2, 3].map(() => fc.array(fc.oneof(...some), { maxLength: 3, size: 'max' }))))

function update(fields: readonly Field[], name: fc.Arbitrary<Name | undefined>): fc.Arbitrary<Command> {
  return fc.record({ kind: fc.constant('update'), ref, fields: fc.constant(fields), name })
}

/** One that is mostly there, and one or two that mostly are not. */
function batch(): fc.Arbitrary<readonly Item[]> {
  const item = fc.record({
    name: fc.constantFrom<Name>('a', 'b', 'c'),
    host: fc.constantFrom<Item['host']>('own', 'first'),
  })
  return fc.uniqueArray(item, { minLength: 2, maxLength: 3, selector: ({ name }) => name })
}

// A process that is killed costs more time than all the rest of a history: seldom, for that there are more of them.
const fault = fc.oneof(
  ...FAULTS.map(each => ({ weight: each.startsWith('kill') ? 1 : 2, arbitrary: fc.constant(each) })),
)

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('step'), pick }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('run'), pick, steps: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('fault'), pick, fault }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('late'), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('all') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lapse') }) },
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
