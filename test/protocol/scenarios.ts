import {
  A,
  type Around,
  B,
  credentials,
  deletesMetadata,
  drops,
  emptyWorld,
  FIRST,
  fields,
  frees,
  type Owner,
  renames,
  type Scenario,
  SECOND,
  takes,
  worldWith,
  writes,
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

// Together these are much less than one search with all of it, and each fault that was found needs no more.
const BOUNDS: readonly Bounds[] = [
  { ...NONE, settlers: 1, lost: 1 },
  { ...NONE, settlers: 1, refused: 1 },
  { ...NONE, settlers: 1, interrupts: 1 },
  { ...NONE, lost: 1, refused: 1 },
  { ...NONE, lost: 2 },
]

/** One operation, beside a process that settles or with more going wrong; two settlers where nobody else acts. */
function one(world: World, program: Owner, around: readonly Around[] = []): Scenario[] {
  const scenario = { world, programs: [program], around }
  const twoSettlers = { ...scenario, ...NONE, settlers: 2, lost: 1, around: [] }
  return [...BOUNDS.map(bounds => ({ ...scenario, ...bounds })), twoSettlers]
}

/** Two at once, each of which settles what it finds in its way. */
function two(world: World, programs: readonly [Owner, Owner], around: readonly Around[] = []): Scenario[] {
  const scenario = { world, programs, around, ...NONE }
  return [
    { ...scenario, lost: 1 },
    { ...scenario, refused: 1 },
  ]
}

const warehouse = { warehouse_id: '1' }
const catalog = { default_catalog: '2' }
const [stored, missing, softDeleted] = [worldWith('stored'), worldWith('missing'), worldWith('soft-deleted')]

export const SINGLE: Readonly<Record<string, readonly Scenario[]>> = {
  create: one(emptyWorld(), create(FIRST, A, 'n0'), [takes('n0'), frees('n0')]),
  'update of credentials, renamed by the application': one(stored, update(FIRST, warehouse), [renames]),
  'update of credentials and name, which the application takes': one(stored, update(FIRST, warehouse, 'n1'), [
    takes('n1'),
    frees('n1'),
  ]),
  'update of a name, its credentials given but the same': one(stored, update(FIRST, { warehouse_id: '0' }, 'n1')),
  'update of credentials, deleted by the application': one(stored, update(FIRST, warehouse), [drops]),
  'update that changes nothing': one(stored, update(FIRST, { warehouse_id: '0' })),
  'repair of a missing secret': one(missing, update(FIRST, fields('1'), 'n1'), [takes('n1'), frees('n1')]),
  'repair of a soft-deleted secret': one(softDeleted, update(FIRST, fields('1'), 'n1'), [takes('n1'), frees('n1')]),
  delete: one(stored, remove(FIRST)),
  'plain rename': one(stored, rename(FIRST, 'n1'), [takes('n1'), frees('n1')]),
  'plain rename of what is named by its name': one(stored, rename(FIRST, 'n1', 'n0'), [takes('n1'), frees('n1')]),
  'update, an outsider writes twice': one(stored, update(FIRST, warehouse), [writes('7'), writes('8')]).slice(0, 1),
  'update, an outsider deletes the metadata': one(stored, update(FIRST, warehouse), [deletesMetadata]),
}

export const PAIRS: Readonly<Record<string, readonly Scenario[]>> = {
  'create + create of the same name': two(emptyWorld(), [create(FIRST, A, 'n0'), create(SECOND, B, 'n0')]),
  'create + update of it': two(emptyWorld(), [create(FIRST, A, 'n0'), update(SECOND, catalog, 'n1', 'n0')]),
  'create + delete of it': two(emptyWorld(), [create(FIRST, A, 'n0'), remove(SECOND, 'n0')]),
  'update + update': two(stored, [update(FIRST, warehouse, 'n1'), update(SECOND, catalog)]),
  'update + delete': two(stored, [update(FIRST, warehouse, 'n1'), remove(SECOND)], [takes('n1')]),
  'update + plain rename': two(stored, [update(FIRST, warehouse, 'n1'), rename(SECOND, 'n2')], [takes('n1')]),
  'update + create of its new name': two(stored, [update(FIRST, warehouse, 'n1'), create(SECOND, B, 'n1')]),
  'repair + delete': two(missing, [update(FIRST, fields('1')), remove(SECOND)]),
  'repair + repair': two(missing, [update(FIRST, fields('1')), update(SECOND, fields('2'))]),
  'plain rename + plain rename': two(stored, [rename(FIRST, 'n1'), rename(SECOND, 'n2')], [takes('n1'), frees('n1')]),
  'plain rename + the same': two(stored, [rename(FIRST, 'n1'), rename(SECOND, 'n1')], [renames]),
  'plain rename + delete': two(stored, [rename(FIRST, 'n1'), remove(SECOND)]),
  'delete + delete': two(stored, [remove(FIRST), remove(SECOND)]),
  'delete + create of its name': two(stored, [remove(FIRST), create(SECOND, B, 'n0')]),
}
