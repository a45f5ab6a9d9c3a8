import {
  A,
  B,
  credentials,
  deletesMetadata,
  deletesRecord,
  emptyWorld,
  FIRST,
  fields,
  freesName,
  type OutsideAct,
  type Owner,
  renamesRecord,
  type Scenario,
  SECOND,
  takesName,
  worldWith,
  writesSecret,
} from './scenario.ts'
import type { World } from './world.ts'

const create = (id: string, source: string, name: string): Owner => ({
  ...{ kind: 'create', id, source, name },
  set: credentials('1'),
})
const update = (id: string, set: Record<string, string>, name?: string, ref = A): Owner => ({
  ...{ kind: 'update', id, source: A, ref, set },
  ...(name !== undefined && { name }),
})
const rename = (id: string, name: string, ref = A): Owner => ({ kind: 'update', id, source: A, ref, name })
const remove = (id: string, ref = A): Owner => ({ kind: 'delete', id, source: A, ref })

type Bounds = Pick<Scenario, 'settlers' | 'lost' | 'refused' | 'interrupts'>
const NONE: Bounds = { settlers: 0, lost: 0, refused: 0, interrupts: 0 }

// Together these are much smaller than one search with all bounds, and sufficient for every fault found so far.
const BOUNDS: readonly Bounds[] = [
  { ...NONE, settlers: 1, lost: 1 },
  { ...NONE, settlers: 1, refused: 1 },
  { ...NONE, settlers: 1, interrupts: 1 },
  { ...NONE, lost: 1, refused: 1 },
  { ...NONE, lost: 2 },
]

/** Scenarios with one operation. If no outsider acts, also one with two settlers. */
function oneOperation(world: World, program: Owner, outsideActs: readonly OutsideAct[] = []): Scenario[] {
  const scenario = { world, programs: [program], outsideActs }
  const twoSettlers = { ...scenario, ...NONE, settlers: 2, lost: 1, outsideActs: [] }
  return [...BOUNDS.map(bounds => ({ ...scenario, ...bounds })), twoSettlers]
}

/** Scenarios with two concurrent operations. Each settles the intents that block it. */
function twoOperations(
  world: World,
  programs: readonly [Owner, Owner],
  outsideActs: readonly OutsideAct[] = [],
): Scenario[] {
  const scenario = { world, programs, outsideActs, ...NONE }
  return [
    { ...scenario, lost: 1 },
    { ...scenario, refused: 1 },
  ]
}

const warehouse = { warehouse_id: '1' }
const catalog = { default_catalog: '2' }
const [stored, missing, softDeleted] = [worldWith('stored'), worldWith('missing'), worldWith('soft-deleted')]

export const SINGLE: Readonly<Record<string, readonly Scenario[]>> = {
  create: oneOperation(emptyWorld(), create(FIRST, A, 'n0'), [takesName('n0'), freesName('n0')]),
  'update of credentials, renamed by the application': oneOperation(stored, update(FIRST, warehouse), [renamesRecord]),
  'update of credentials and name, which the application takes': oneOperation(stored, update(FIRST, warehouse, 'n1'), [
    takesName('n1'),
    freesName('n1'),
  ]),
  'update of a name, its credentials given but the same': oneOperation(
    stored,
    update(FIRST, { warehouse_id: '0' }, 'n1'),
  ),
  'update of credentials, deleted by the application': oneOperation(stored, update(FIRST, warehouse), [deletesRecord]),
  'update that changes nothing': oneOperation(stored, update(FIRST, { warehouse_id: '0' })),
  'repair of a missing secret': oneOperation(missing, update(FIRST, fields('1'), 'n1'), [
    takesName('n1'),
    freesName('n1'),
  ]),
  'repair of a soft-deleted secret': oneOperation(softDeleted, update(FIRST, fields('1'), 'n1'), [
    takesName('n1'),
    freesName('n1'),
  ]),
  delete: oneOperation(stored, remove(FIRST)),
  'plain rename': oneOperation(stored, rename(FIRST, 'n1'), [takesName('n1'), freesName('n1')]),
  'plain rename of what is named by its name': oneOperation(stored, rename(FIRST, 'n1', 'n0'), [
    takesName('n1'),
    freesName('n1'),
  ]),
  'update, an outsider writes twice': oneOperation(stored, update(FIRST, warehouse), [
    writesSecret('7'),
    writesSecret('8'),
  ]).slice(0, 1),
  'update, an outsider deletes the metadata': oneOperation(stored, update(FIRST, warehouse), [deletesMetadata]),
}

export const PAIRS: Readonly<Record<string, readonly Scenario[]>> = {
  'create + create of the same name': twoOperations(emptyWorld(), [create(FIRST, A, 'n0'), create(SECOND, B, 'n0')]),
  'create + update of it': twoOperations(emptyWorld(), [create(FIRST, A, 'n0'), update(SECOND, catalog, 'n1', 'n0')]),
  'create + delete of it': twoOperations(emptyWorld(), [create(FIRST, A, 'n0'), remove(SECOND, 'n0')]),
  'update + update': twoOperations(stored, [update(FIRST, warehouse, 'n1'), update(SECOND, catalog)]),
  'update + delete': twoOperations(stored, [update(FIRST, warehouse, 'n1'), remove(SECOND)], [takesName('n1')]),
  'update + plain rename': twoOperations(
    stored,
    [update(FIRST, warehouse, 'n1'), rename(SECOND, 'n2')],
    [takesName('n1')],
  ),
  'update + create of its new name': twoOperations(stored, [update(FIRST, warehouse, 'n1'), create(SECOND, B, 'n1')]),
  'repair + delete': twoOperations(missing, [update(FIRST, fields('1')), remove(SECOND)]),
  'repair + repair': twoOperations(missing, [update(FIRST, fields('1')), update(SECOND, fields('2'))]),
  'plain rename + plain rename': twoOperations(
    stored,
    [rename(FIRST, 'n1'), rename(SECOND, 'n2')],
    [takesName('n1'), freesName('n1')],
  ),
  'plain rename + the same': twoOperations(stored, [rename(FIRST, 'n1'), rename(SECOND, 'n1')], [renamesRecord]),
  'plain rename + delete': twoOperations(stored, [rename(FIRST, 'n1'), remove(SECOND)]),
  'delete + delete': twoOperations(stored, [remove(FIRST), remove(SECOND)]),
  'delete + create of its name': twoOperations(stored, [remove(FIRST), create(SECOND, B, 'n0')]),
}
