import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DsctlError, invalid } from '../domain/errors.ts'
import { type Credentials, Secret } from '../domain/secret.ts'
import { secretPath } from '../domain/secret-path.ts'
import { parseExactJson, stringifyExactJson } from '../lib/exact-json.ts'
import type { SecretsHealth } from '../ports/health.ts'
import type { SecretLocation, Secrets, SecretVersion } from '../ports/secrets.ts'
import { type AgeKeys, openAgeKeys } from './age-keys.ts'
import { type EmbeddedHome, homeFailure } from './home.ts'
import { syncFolder, writeFileSafely } from './write-file.ts'

/** The content of an age file. */
interface SecretFile {
  /** The number of the latest version. */
  readonly current: number
  /** By version number; null if soft-deleted. */
  readonly versions: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>
}

/** The number of versions that Vault keeps by default. */
const VERSIONS_KEPT = 10

/**
 * Secrets in files `secrets/<id>.age`, with versions and check-and-set as in Vault. A read followed by a write is
 * atomic because this process has locked the home.
 */
export function ageSecrets(home: EmbeddedHome): Secrets & SecretsHealth {
  let opened: Promise<AgeKeys> | undefined
  const keys = () => {
    opened ??= hasSecrets(home).then(some => openAgeKeys(home, { mayCreate: !some }))
    return opened
  }
  const load = (at: SecretLocation) => readSecretFile(pathOf(home, at), keys)
  const save = async (at: SecretLocation, file: SecretFile) => {
    await writeFileSafely(pathOf(home, at), await (await keys()).encrypt(stringifyExactJson(file)))
  }
  return {
    read: async at => currentVersion(await load(at)),
    readVersion: async (at, version) => versionOf(await load(at), version),
    write: async (at, data, cas) => {
      const file = await load(at)
      if (file.current !== cas) return 'conflict'
      await save(at, withVersion(file, unseal(data)))
      return 'ok'
    },
    softDelete: async (at, version) => {
      const file = await load(at)
      if (file.versions[version]) await save(at, { ...file, versions: { ...file.versions, [version]: null } })
    },
    remove: at => removeSecretFile(home, at),
    organizationInPath: false,
    canRemove: async () => true,
    list: async () => (await readdir(home.secrets)).flatMap(name => /^(.+)\.age$/.exec(name)?.[1] ?? []),
    retention: async () => ({ versions: VERSIONS_KEPT, deleteAfter: undefined }),
    // There is no mount, but a request file can name this path to keep the stored secret.
    pathOf: at => secretPath('secret/data-sources/{id}', at),
    readField: async () => {
      throw invalid('The embedded profile has no Vault to read a secret from.', [], 'Use -, @FILE or env:NAME.')
    },
  }
}

const NONE: SecretFile = { current: 0, versions: {} }

async function readSecretFile(path: string, keys: () => Promise<AgeKeys>): Promise<SecretFile> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return NONE
    throw homeFailure(path, error)
  }
  const age = await keys()
  try {
    return parseExactJson(await age.decrypt(bytes)) as SecretFile
  } catch {
    throw new DsctlError('unavailable', `The secret file ${path} cannot be decrypted.`, {
      outcome: 'none',
      hint: 'Restore it from a backup, or restore the identity file that it was encrypted with.',
    })
  }
}

async function removeSecretFile(home: EmbeddedHome, at: SecretLocation): Promise<void> {
  const path = pathOf(home, at)
  try {
    await rm(path, { force: true })
    await syncFolder(home.secrets)
  } catch (error) {
    throw homeFailure(path, error)
  }
}

function currentVersion({ current, versions }: SecretFile): SecretVersion {
  return { version: current, data: seal(versions[current]) }
}

function versionOf({ versions }: SecretFile, version: number): Credentials | null | 'gone' {
  const data = versions[version]
  return data === undefined ? 'gone' : seal(data)
}

function withVersion({ current, versions }: SecretFile, data: Readonly<Record<string, unknown>>): SecretFile {
  const kept = Object.entries(versions).filter(([version]) => Number(version) > current + 1 - VERSIONS_KEPT)
  return { current: current + 1, versions: { ...Object.fromEntries(kept), [current + 1]: data } }
}

function unseal(data: Credentials): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value.reveal()]))
}

function seal(data: Readonly<Record<string, unknown>> | null | undefined): Credentials | null {
  if (!data) return null
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, new Secret(value)]))
}

function pathOf({ secrets }: EmbeddedHome, { secretId }: SecretLocation): string {
  return join(secrets, `${secretId}.age`)
}

async function hasSecrets({ secrets }: EmbeddedHome): Promise<boolean> {
  return (await readdir(secrets)).some(name => name.endsWith('.age'))
}
