import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Credentials, Secret } from '../../src/domain/secret.ts'
import type { SecretLocation, Secrets } from '../../src/ports/secrets.ts'

/** An implementation of Secrets. `kept` is the number of versions that it keeps of each secret. */
export interface SecretsFixture {
  readonly secrets: Secrets
  readonly kept: number
  drop(): Promise<void>
}

/** One that can also read secrets that are not dsctl's. */
export interface LookUpFixture extends SecretsFixture {
  /** Adds a secret that is not dsctl's. Returns MOUNT/PATH. */
  addOther(data: Readonly<Record<string, unknown>>): Promise<string>
}

export function sealed(data: Readonly<Record<string, unknown>>): Credentials {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, new Secret(value)]))
}

/** The plain values; null and 'gone' are returned unchanged. */
export function revealed(data: Credentials | null | 'gone'): unknown {
  if (data === null || data === 'gone') return data
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value.reveal()]))
}

export function newLocation(): SecretLocation {
  return { organizationId: randomUUID(), secretId: randomUUID() }
}

/** The contract of the port `Secrets`, as tests that every implementation passes. */
export function secretsContract(name: string, open: () => Promise<SecretsFixture>): void {
  describe(`the secrets in ${name}`, () => {
    let fixture: SecretsFixture
    let secrets: Secrets
    let at: SecretLocation

    beforeAll(async () => {
      fixture = await open()
      secrets = fixture.secrets
    })
    afterAll(() => fixture?.drop())
    beforeEach(() => {
      at = newLocation()
    })

    const read = async () => {
      const { version, data } = await secrets.read(at)
      return { version, data: revealed(data) }
    }
    const readVersion = async (version: number) => revealed(await secrets.readVersion(at, version))
    const write = (data: Readonly<Record<string, unknown>>, cas: number) => secrets.write(at, sealed(data), cas)

    test('each secret has its own path, in the syntax of vault: sources', () => {
      const paths = [secrets.pathOf(at), secrets.pathOf(newLocation())]
      expect(new Set(paths).size).toBe(2)
      for (const path of paths) expect(path).toMatch(/^[^/#]+(\/[^/#]+)+$/)
      expect(secrets.pathOf(at)).toContain(at.secretId)
    })

    test('a secret that was never written has version 0 and no data', async () => {
      expect(await read()).toEqual({ version: 0, data: null })
      expect(await readVersion(1)).toBe('gone')
    })

    test('the first write is version 1, and every kind of value is kept', async () => {
      const data = { text: 'ä "\\ \n', number: 5432, yes: true, no: false, object: { a: [1, null] }, empty: '' }
      expect(await write(data, 0)).toBe('ok')
      expect(await read()).toEqual({ version: 1, data })
      expect(await readVersion(1)).toEqual(data)
    })

    test('values that are read are sealed', async () => {
      await write({ password: 'hunter2' }, 0)
      const shown = JSON.stringify([await secrets.read(at), await secrets.readVersion(at, 1)])
      expect(shown).not.toContain('hunter2')
      expect(shown).toContain('[REDACTED]')
    })

    test('empty data differs from the missing data of a soft-deleted version', async () => {
      await write({}, 0)
      expect(await read()).toEqual({ version: 1, data: {} })
      expect(await readVersion(1)).toEqual({})
    })

    test('a write makes the next version and keeps earlier ones', async () => {
      await write({ n: 1 }, 0)
      expect(await write({ n: 2 }, 1)).toBe('ok')
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(1)).toEqual({ n: 1 })
    })

    test('a write with another cas than the current version is a conflict', async () => {
      await write({ n: 1 }, 0)
      await write({ n: 2 }, 1)
      for (const cas of [0, 1, 3]) expect(await write({ n: 9 }, cas)).toBe('conflict')
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(3)).toBe('gone')
    })

    test('a write with a cas is a conflict if there is no secret', async () => {
      expect(await write({ n: 1 }, 1)).toBe('conflict')
      expect(await read()).toEqual({ version: 0, data: null })
      expect(await write({ n: 1 }, 0)).toBe('ok')
    })

    test('of many concurrent writes with one cas one succeeds', async () => {
      const answers = await Promise.all([1, 2, 3, 4].map(n => write({ n }, 0)))
      expect(answers.sort()).toEqual(['conflict', 'conflict', 'conflict', 'ok'])
      expect((await read()).version).toBe(1)
    })

    test('a soft-deleted version has no data, but its number remains the cas', async () => {
      await write({ n: 1 }, 0)
      await secrets.softDelete(at, 1)
      expect(await read()).toEqual({ version: 1, data: null })
      expect(await readVersion(1)).toBe(null)
      expect(await write({ n: 2 }, 0)).toBe('conflict')
      expect(await write({ n: 2 }, 1)).toBe('ok')
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(1)).toBe(null)
    })

    test('soft-deleting affects one version and can be repeated', async () => {
      await write({ n: 1 }, 0)
      await write({ n: 2 }, 1)
      for (let i = 0; i < 2; i++) await secrets.softDelete(at, 1)
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(1)).toBe(null)
    })

    test('soft-deleting a missing version changes nothing', async () => {
      await secrets.softDelete(at, 1)
      expect(await read()).toEqual({ version: 0, data: null })
      await write({ n: 1 }, 0)
      await secrets.softDelete(at, 2)
      expect(await read()).toEqual({ version: 1, data: { n: 1 } })
    })

    test('versions beyond the kept number are gone', async () => {
      for (let n = 0; n < fixture.kept + 1; n++) await write({ n }, n)
      expect(await readVersion(1)).toBe('gone')
      expect(await readVersion(2)).toEqual({ n: 1 })
      expect((await read()).version).toBe(fixture.kept + 1)
    })

    test('a removed secret has no versions left, and starts again at 1', async () => {
      await write({ n: 1 }, 0)
      await write({ n: 2 }, 1)
      await secrets.remove(at)
      expect(await read()).toEqual({ version: 0, data: null })
      for (const version of [1, 2]) expect(await readVersion(version)).toBe('gone')
      expect(await write({ n: 3 }, 0)).toBe('ok')
      expect(await read()).toEqual({ version: 1, data: { n: 3 } })
    })

    test('a soft-deleted or missing secret can be removed', async () => {
      await write({ n: 1 }, 0)
      await secrets.softDelete(at, 1)
      for (let i = 0; i < 2; i++) await secrets.remove(at)
      expect(await read()).toEqual({ version: 0, data: null })
    })

    test('a change to one secret leaves the others unchanged', async () => {
      const other = { ...newLocation(), organizationId: at.organizationId }
      await secrets.write(other, sealed({ n: 1 }), 0)
      await write({ n: 2 }, 0)
      await secrets.softDelete(at, 1)
      await secrets.remove(at)
      expect(revealed((await secrets.read(other)).data)).toEqual({ n: 1 })
    })

    test('permission to remove secrets is reported', async () => {
      expect(await secrets.canRemove()).toBe(true)
    })
  })
}

/** The contract of `readField`. */
export function lookUpContract(name: string, open: () => Promise<LookUpFixture>): void {
  describe(`reading fields of other secrets in ${name}`, () => {
    let fixture: LookUpFixture

    beforeAll(async () => {
      fixture = await open()
    })
    afterAll(() => fixture?.drop())

    test('a field is returned as text, an object or list as JSON', async () => {
      const path = await fixture.addOther({ password: 'p w ', port: 5432, on: true, key: { type: 'x' }, list: [1] })
      const found = ['password', 'port', 'on', 'key', 'list'].map(field => fixture.secrets.readField(path, field))
      expect(await Promise.all(found)).toEqual(
        ['p w ', '5432', 'true', '{"type":"x"}', '[1]'].map(value => ({ value })),
      )
    })

    test('a missing secret or field is a problem, which reveals nothing', async () => {
      const path = await fixture.addOther({ password: 'hunter2' })
      for (const [at, field] of [
        [path, 'none'],
        [`${path}-none`, 'password'],
      ] as const) {
        const found = await fixture.secrets.readField(at, field)
        expect(found).toEqual({ problem: expect.stringContaining(`comes from vault:${at}#${field}`) })
        expect(JSON.stringify(found)).not.toContain('hunter2')
      }
    })
  })
}
