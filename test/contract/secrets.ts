import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Credentials, Secret } from '../../src/domain/secret.ts'
import type { SecretLocation, Secrets } from '../../src/ports/secrets.ts'

/** An implementation of Secrets, and how many versions of a secret it keeps. */
export interface SecretsFixture {
  readonly secrets: Secrets
  readonly kept: number
  drop(): Promise<void>
}

/** One that can reach secrets of others, too. */
export interface LookUpFixture extends SecretsFixture {
  /** A secret that is none of dsctl's; gives MOUNT/PATH. */
  addOther(data: Readonly<Record<string, unknown>>): Promise<string>
}

export function sealed(data: Readonly<Record<string, unknown>>): Credentials {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, new Secret(value)]))
}

/** What was sealed; null and 'gone' are themselves. */
export function opened(data: Credentials | null | 'gone'): unknown {
  if (data === null || data === 'gone') return data
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value.reveal()]))
}

export function newLocation(): SecretLocation {
  return { organizationId: randomUUID(), secretId: randomUUID() }
}

/** The text of the port `Secrets` as tests: every implementation passes them. */
export function secretsContract(name: string, open: () => Promise<SecretsFixture>): void {
  describe(`the secrets in ${name}`, () => {
    let bed: SecretsFixture
    let secrets: Secrets
    let at: SecretLocation

    beforeAll(async () => {
      bed = await open()
      secrets = bed.secrets
    })
    afterAll(() => bed?.drop())
    beforeEach(() => {
      at = newLocation()
    })

    const read = async () => {
      const { version, data } = await secrets.read(at)
      return { version, data: opened(data) }
    }
    const readVersion = async (version: number) => opened(await secrets.readVersion(at, version))
    const write = (data: Readonly<Record<string, unknown>>, cas: number) => secrets.write(at, sealed(data), cas)

    test('each secret has a path of its own, as vault: names it', () => {
      const paths = [secrets.pathOf(at), secrets.pathOf(newLocation())]
      expect(new Set(paths).size).toBe(2)
      for (const path of paths) expect(path).toMatch(/^[^/#]+(\/[^/#]+)+$/)
      expect(secrets.pathOf(at)).toContain(at.secretId)
    })

    test('a secret that was never written is version 0, without data and without versions', async () => {
      expect(await read()).toEqual({ version: 0, data: null })
      expect(await readVersion(1)).toBe('gone')
    })

    test('the first write is version 1, and every kind of value comes back as it was', async () => {
      const data = { text: 'ä "\\ \n', number: 5432, yes: true, no: false, object: { a: [1, null] }, empty: '' }
      expect(await write(data, 0)).toBe('ok')
      expect(await read()).toEqual({ version: 1, data })
      expect(await readVersion(1)).toEqual(data)
    })

    test('what is read is sealed', async () => {
      await write({ password: 'hunter2' }, 0)
      const shown = JSON.stringify([await secrets.read(at), await secrets.readVersion(at, 1)])
      expect(shown).not.toContain('hunter2')
      expect(shown).toContain('[REDACTED]')
    })

    test('no data at all is data, which a soft-deleted version has none of', async () => {
      await write({}, 0)
      expect(await read()).toEqual({ version: 1, data: {} })
      expect(await readVersion(1)).toEqual({})
    })

    test('a write builds on the version it names, and earlier ones stay', async () => {
      await write({ n: 1 }, 0)
      expect(await write({ n: 2 }, 1)).toBe('ok')
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(1)).toEqual({ n: 1 })
    })

    test('a write that names another version than the current one is a conflict and changes nothing', async () => {
      await write({ n: 1 }, 0)
      await write({ n: 2 }, 1)
      for (const cas of [0, 1, 3]) expect(await write({ n: 9 }, cas)).toBe('conflict')
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(3)).toBe('gone')
    })

    test('a write that names a version of no secret is a conflict and makes none', async () => {
      expect(await write({ n: 1 }, 1)).toBe('conflict')
      expect(await read()).toEqual({ version: 0, data: null })
      expect(await write({ n: 1 }, 0)).toBe('ok')
    })

    test('of many writes on one version one succeeds', async () => {
      const answers = await Promise.all([1, 2, 3, 4].map(n => write({ n }, 0)))
      expect(answers.sort()).toEqual(['conflict', 'conflict', 'conflict', 'ok'])
      expect((await read()).version).toBe(1)
    })

    test('a soft-deleted version has no data, and only its own number is accepted by the next write', async () => {
      await write({ n: 1 }, 0)
      await secrets.softDelete(at, 1)
      expect(await read()).toEqual({ version: 1, data: null })
      expect(await readVersion(1)).toBe(null)
      expect(await write({ n: 2 }, 0)).toBe('conflict')
      expect(await write({ n: 2 }, 1)).toBe('ok')
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(1)).toBe(null)
    })

    test('exactly the named version is soft-deleted, and twice is as good as once', async () => {
      await write({ n: 1 }, 0)
      await write({ n: 2 }, 1)
      for (let i = 0; i < 2; i++) await secrets.softDelete(at, 1)
      expect(await read()).toEqual({ version: 2, data: { n: 2 } })
      expect(await readVersion(1)).toBe(null)
    })

    test('soft-deleting a version that is not there changes nothing', async () => {
      await secrets.softDelete(at, 1)
      expect(await read()).toEqual({ version: 0, data: null })
      await write({ n: 1 }, 0)
      await secrets.softDelete(at, 2)
      expect(await read()).toEqual({ version: 1, data: { n: 1 } })
    })

    test('versions beyond those that are kept are gone', async () => {
      for (let n = 0; n < bed.kept + 1; n++) await write({ n }, n)
      expect(await readVersion(1)).toBe('gone')
      expect(await readVersion(2)).toEqual({ n: 1 })
      expect((await read()).version).toBe(bed.kept + 1)
    })

    test('a removed secret is gone with all its versions, and its numbers begin anew', async () => {
      await write({ n: 1 }, 0)
      await write({ n: 2 }, 1)
      await secrets.remove(at)
      expect(await read()).toEqual({ version: 0, data: null })
      for (const version of [1, 2]) expect(await readVersion(version)).toBe('gone')
      expect(await write({ n: 3 }, 0)).toBe('ok')
      expect(await read()).toEqual({ version: 1, data: { n: 3 } })
    })

    test('a soft-deleted secret can be removed, and so can one that is not there', async () => {
      await write({ n: 1 }, 0)
      await secrets.softDelete(at, 1)
      for (let i = 0; i < 2; i++) await secrets.remove(at)
      expect(await read()).toEqual({ version: 0, data: null })
    })

    test('what is done to one secret leaves the others', async () => {
      const other = { ...newLocation(), organizationId: at.organizationId }
      await secrets.write(other, sealed({ n: 1 }), 0)
      await write({ n: 2 }, 0)
      await secrets.softDelete(at, 1)
      await secrets.remove(at)
      expect(opened((await secrets.read(other)).data)).toEqual({ n: 1 })
    })

    test('who may remove secrets is told so', async () => {
      expect(await secrets.canRemove()).toBe(true)
    })
  })
}

/** The text of `lookUp`. */
export function lookUpContract(name: string, open: () => Promise<LookUpFixture>): void {
  describe(`looking up fields of other secrets in ${name}`, () => {
    let bed: LookUpFixture

    beforeAll(async () => {
      bed = await open()
    })
    afterAll(() => bed?.drop())

    test('a field comes as text, an object or a list as JSON', async () => {
      const path = await bed.addOther({ password: 'p w ', port: 5432, on: true, key: { type: 'x' }, list: [1] })
      const found = ['password', 'port', 'on', 'key', 'list'].map(field => bed.secrets.readField(path, field))
      expect(await Promise.all(found)).toEqual(['p w ', '5432', 'true', '{"type":"x"}', '[1]'])
    })

    test('a secret or a field that is not there is invalid, and nothing of the secret is told', async () => {
      const path = await bed.addOther({ password: 'hunter2' })
      for (const [at, field] of [
        [path, 'none'],
        [`${path}-none`, 'password'],
      ] as const) {
        const error = await bed.secrets.readField(at, field).catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(path) })
        expect(String(error)).not.toContain('hunter2')
      }
    })
  })
}
