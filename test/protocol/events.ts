import type { Scenario } from './scenario.ts'
import type { World } from './world.ts'

export interface Event {
  readonly world: World
  readonly name: string
  readonly bit: number
  /** The bit of what has to come before it. */
  readonly after: number
}

/** What happens by itself: leases end, the application and outsiders act. */
export function events(world: World, { around }: Scenario): Event[] {
  const bitOf = (name: string | undefined) => (name === undefined ? 0 : 1 << around.findIndex(a => a.name === name))
  const leases = world.db.intents
    .filter(({ state, expiresAt }) => state !== 'closed' && expiresAt > world.db.now)
    .map(({ id }) => {
      const changed = structuredClone(world)
      for (const intent of changed.db.intents) if (intent.id === id) intent.expiresAt = changed.db.now
      return { world: changed, name: `the lease of ${id} is over`, bit: 0, after: 0 }
    })
  const acts = around.flatMap(event => {
    const changed = structuredClone(world)
    if (!event.act(changed)) return []
    if (event.replay) changed.log.push(event.name)
    return [{ world: changed, name: event.name, bit: bitOf(event.name), after: bitOf(event.after) }]
  })
  return [...leases, ...acts]
}
