import type { Scenario } from './scenario.ts'
import type { World } from './world.ts'

/** Something that happens without a message of a process. */
export interface WorldEvent {
  readonly world: World
  readonly name: string
  /** Marks it as having happened; 0 if it can happen again. */
  readonly bit: number
  /** The bit of the event that has to come first; 0 if none. */
  readonly after: number
}

/** The events that are possible in a world: leases expire, the application and outsiders act. */
export function possibleEvents(world: World, { outsideActs }: Scenario): WorldEvent[] {
  const bitOf = (name: string | undefined) =>
    name === undefined ? 0 : 1 << outsideActs.findIndex(act => act.name === name)
  const leases = world.db.intents
    .filter(({ state, expiresAt }) => state !== 'closed' && expiresAt > world.db.now)
    .map(({ id }) => {
      const changed = structuredClone(world)
      for (const intent of changed.db.intents) if (intent.id === id) intent.expiresAt = changed.db.now
      return { world: changed, name: `the lease of ${id} expires`, bit: 0, after: 0 }
    })
  const acts = outsideActs.flatMap(event => {
    const changed = structuredClone(world)
    if (!event.act(changed)) return []
    if (event.replay) changed.log.push(event.name)
    return [{ world: changed, name: event.name, bit: bitOf(event.name), after: bitOf(event.after) }]
  })
  return [...leases, ...acts]
}
