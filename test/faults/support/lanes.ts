import { expect } from 'vitest'
import { type ProxiedSite, proxySite } from '../../support/proxied-site.ts'
import { REAL_POSTGRES } from '../../support/servers.ts'
import { createSite, type Site } from '../../support/site.ts'
import { openIntentsIn, strayIn } from '../../support/stored.ts'

/** Two stores of its own, behind proxies, for one schedule at a time. */
export interface Lane {
  readonly site: Site
  readonly proxied: ProxiedSite
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
        await lane.proxied.restore()
        const waiter = waiting.shift()
        if (waiter) waiter(lane)
        else free.push(lane)
      }
    },
    async close() {
      for (const { site, proxied } of all) {
        proxied.close()
        await site.drop()
      }
    },
  }
}

async function openLane(): Promise<Lane> {
  const site = await createSite()
  const proxied = await proxySite(site, site.env.DSCTL_DATABASE_URL)
  const other = await addStored(site, 'of someone else', 'other')
  const others = async () => [
    await site.database.query('SELECT to_jsonb(d) AS row FROM data_sources d WHERE id = $1', [other]),
    await site.vault.readSecret(`data-sources/${other}`),
  ]
  const before = await others()
  return {
    site,
    proxied,
    async expectClean() {
      expect(await strayIn(site)).toEqual([])
      expect(await openIntentsIn(site)).toEqual([])
      expect(await others()).toEqual(before)
    },
  }
}

/** A record with its credentials, as an application would have made both. Gives the id. */
export async function addStored(site: Site, name: string, env = 'dev'): Promise<string> {
  const id = await site.addDataSource({ name, env })
  await site.vault.writeSecret(`data-sources/${id}`, STORED)
  return id
}
