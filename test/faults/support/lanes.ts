import { expect } from 'vitest'
import { type Proxied, proxied } from '../../support/proxied.ts'
import { REAL_POSTGRES } from '../../support/servers.ts'
import { type Site, site } from '../../support/site.ts'
import { openIntentsIn, strayIn } from '../../support/stored.ts'

/** Two stores of its own, behind proxies, for one schedule at a time. */
export interface Lane {
  readonly here: Site
  readonly through: Proxied
  /** Fails where something is left, or where what is not this schedule's has changed. */
  expectClean(): Promise<void>
}

export interface Lanes {
  /** Runs a schedule on the next lane that is free. */
  use<T>(work: (lane: Lane) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export const STORED = {
  type: 'postgres',
  host: 'db.one',
  port: 5432,
  username: 'app',
  password: 'secret',
  default_database: 'main',
} as const

/** Schedules mostly wait (for a time-out, a lease), so that several at a time keep a core busy. */
const COUNT = REAL_POSTGRES ? 3 : 1

export async function openLanes(): Promise<Lanes> {
  const all = await Promise.all(Array.from({ length: COUNT }, openLane))
  const free = [...all]
  const waiting: ((lane: Lane) => void)[] = []
  const next = () => free.pop() ?? new Promise<Lane>(resolve => waiting.push(resolve))
  return {
    async use(work) {
      const lane = await next()
      try {
        return await work(lane)
      } finally {
        await lane.through.restore()
        const waiter = waiting.shift()
        if (waiter) waiter(lane)
        else free.push(lane)
      }
    },
    async close() {
      for (const { here, through } of all) {
        through.close()
        await here.drop()
      }
    },
  }
}

async function openLane(): Promise<Lane> {
  const here = await site()
  const through = await proxied(here, here.env.DSCTL_DATABASE_URL)
  const other = await addStored(here, 'of someone else', 'other')
  const others = async () => [
    await here.database.query('SELECT to_jsonb(d) AS row FROM data_sources d WHERE id = $1', [other]),
    await here.vault.readSecret(`data-sources/${other}`),
  ]
  const before = await others()
  return {
    here,
    through,
    async expectClean() {
      expect(await strayIn(here)).toEqual([])
      expect(await openIntentsIn(here)).toEqual([])
      expect(await others()).toEqual(before)
    },
  }
}

/** A record with its credentials, as an application would have made both. Gives the id. */
export async function addStored(here: Site, name: string, env = 'dev'): Promise<string> {
  const id = await here.addDataSource({ name, env })
  await here.vault.writeSecret(`data-sources/${id}`, STORED)
  return id
}
