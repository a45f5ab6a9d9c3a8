import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VAULT } from '../support/configured-servers.ts'
import { diagnose } from '../support/doctor.ts'
import { plainStored } from '../support/examples.ts'
import { addMany } from '../support/many.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'
import { terminal } from '../support/terminal.ts'

// Many records and secrets: DSCTL_TEST_DOCTOR_RECORDS=100000 has it look at as many. That takes about a quarter of an hour.

const RECORDS = Number(process.env.DSCTL_TEST_DOCTOR_RECORDS ?? 3_000)
const HOUR = 3_600_000

describe.skipIf(!REAL_POSTGRES || !VAULT)(`doctor of ${RECORDS} records`, () => {
  let site: Site
  let ids: readonly string[]
  const remove = (id: string) => site.vault.request('DELETE', `${site.vault.mount}/metadata/data-sources/${id}`)

  beforeAll(async () => {
    site = await createSite()
    ids = await addMany(site, RECORDS, plainStored)
  }, HOUR)
  afterAll(() => site?.drop(), HOUR)

  test(
    'finds exactly what is wrong, in memory that does not grow with the secrets',
    async () => {
      const [lost = '', wrong = ''] = ids
      const stray = randomUUID()
      await remove(lost)
      await site.vault.writeSecret(`data-sources/${stray}`, plainStored)
      await site.vault.writeSecret(`data-sources/${wrong}`, { ...plainStored, host: 'not a host!' })
      const small = { env: { NODE_OPTIONS: '--max-old-space-size=32' }, timeout: HOUR }
      const found = await diagnose(
        { dsctl: (args, options) => site.spawnDsctl(args, options).result },
        ['--fix', '--deep'],
        small,
      )
      const all = ['credentials: problem', 'secrets: problem', 'unknown secrets: warning']
      expect(found).toMatchObject({ code: 8, wrong: all })
      expect(found.of('credentials').items).toEqual([lost])
      expect(found.of('secrets').items).toEqual([wrong])
      expect(found.of('unknown secrets').items).toEqual([stray])
      for (const id of [lost, wrong]) await site.vault.writeSecret(`data-sources/${id}`, plainStored)
      await remove(stray)
      const well = await diagnose({ dsctl: (args, options) => site.spawnDsctl(args, options).result }, [], small)
      expect(well).toMatchObject({ code: 0, wrong: [] })
      expect(well.of('credentials').message).toBe(`All live records have a secret (${RECORDS} records).`)
    },
    HOUR,
  )

  test('shows a person how far it is, and ends when they have seen enough', async () => {
    const screen = terminal(['doctor', '--deep'], { env: site.env, home: site.home })
    await screen.waitFor(new RegExp(`[█░]{20} Compared [1-9]\\d* of ${RECORDS} records`), 25_000)
    screen.press('ctrlC')
    expect(await screen.exit).toMatchObject({ code: 130 })
  })
})
