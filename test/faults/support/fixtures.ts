import { expect } from 'vitest'
import { type ProxiedSite, proxySite } from '../../support/proxied-site.ts'
import { REAL_POSTGRES } from '../../support/servers.ts'
import { createSite, type Site } from '../../support/site.ts'
import { openIntentsIn, orphanSecretsIn } from '../../support/stored.ts'

/** A site behind proxies, used by one schedule at a time. */
export interface Fixture {
  readonly site: Site
  readonly proxied: ProxiedSite
  /** Fails if a secret without a record or an unclosed intent is left, or if another user's data source has changed. */
  expectClean(): Promise<void>
}

export interface FixturePool {
  /** Waits for a free fixture, runs `work` with it, and clears its faults. */
  use<T>(work: (fixture: Fixture) => Promise<T>): Promise<T>
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

/** Schedules mostly wait for a time-out or a lease, so a core can run several at once. */
const COUNT = REAL_POSTGRES ? 3 : 1

export async function openFixtures(): Promise<FixturePool> {
  const all = await Promise.all(Array.from({ length: COUNT }, openFixture))
  const free = [...all]
  const waiting: ((fixture: Fixture) => void)[] = []
  const next = () => free.pop() ?? new Promise<Fixture>(resolve => waiting.push(resolve))
  return {
    async use(work) {
      const fixture = await next()
      try {
        return await work(fixture)
      } finally {
        await fixture.proxied.restore()
        const waiter = waiting.shift()
        if (waiter) waiter(fixture)
        else free.push(fixture)
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

async function openFixture(): Promise<Fixture> {
  const site = await createSite()
  const proxied = await proxySite(site, site.env.DSCTL_DATABASE_URL)
  const bystander = await addStored(site, 'of someone else', 'other')
  const readBystander = async () => [
    await site.database.query('SELECT to_jsonb(d) AS row FROM data_sources d WHERE id = $1', [bystander]),
    await site.vault.readSecret(`data-sources/${bystander}`),
  ]
  const before = await readBystander()
  return {
    site,
    proxied,
    async expectClean() {
      expect(await orphanSecretsIn(site)).toEqual([])
      expect(await openIntentsIn(site)).toEqual([])
      expect(await readBystander()).toEqual(before)
    },
  }
}

/** Adds a record with its credentials, as the application would. Returns the id. */
export async function addStored(site: Site, name: string, env = 'dev'): Promise<string> {
  const id = await site.addDataSource({ name, env })
  await site.vault.writeSecret(`data-sources/${id}`, STORED)
  return id
}
