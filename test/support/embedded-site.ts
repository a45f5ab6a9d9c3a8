import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedHome, openHome } from '../../src/embedded/home.ts'
import { lockHome } from '../../src/embedded/lock.ts'
import { openPglite } from '../../src/embedded/open-pglite.ts'
import { ageSecrets } from '../../src/embedded/secrets.ts'
import { revealed, sealed } from '../contract/secrets.ts'
import { spawnDsctl, temporaryFolder } from './run.ts'
import type { ScratchDatabase } from './servers.ts'
import { type Site, writes } from './site.ts'
import type { ScratchVault } from './vault.ts'

/**
 * A site on the embedded profile. Tests read its stores between commands, waiting for the lock like any process. It has
 * one user, no Vault and no token; members that need them throw.
 */
export async function createEmbeddedSite(): Promise<Site> {
  const home = temporaryFolder()
  const folder = join(home, 'data')
  // Names the organization, because a test may add the user to others.
  const env = { DSCTL_PROFILE: 'embedded', DSCTL_HOME: folder, DSCTL_ORG: 'local' }
  const first = await spawnDsctl(['list'], { home, env }).result
  if (first.code !== 0) throw new Error(`The first use ended with ${first.code}:\n${first.stderr}`)
  const at = openHome(folder, process.getuid?.())
  const database = databaseIn(at)
  const [organization] = await database.query('SELECT id, name FROM organizations')
  const [admin] = await database.query('SELECT id, email FROM users')
  return {
    database,
    vault: secretsIn(at),
    home,
    env,
    organization,
    admin,
    dsctl: (args, options) => spawnDsctl(args, { home, ...options, env: { ...env, ...options?.env } }).result,
    spawnDsctl: (args, options) => spawnDsctl(args, { home, ...options, env: { ...env, ...options?.env } }),
    addPerson: async () => notHere('another person'),
    ...writes(database, organization.id, admin.id),
    drop: async () => {},
  }
}

function databaseIn(home: EmbeddedHome): ScratchDatabase {
  return {
    url: '',
    query: (sql, params = []) =>
      locked(home, async () => {
        const { database } = await openPglite(home)
        try {
          return (await database.query(sql, [...params])).rows
        } finally {
          await database.close()
        }
      }),
    createRole: async () => notHere('a role'),
    drop: async () => {},
  }
}

/** The secrets, by the paths that they would have in Vault. */
function secretsIn(home: EmbeddedHome): ScratchVault {
  const location = (path: string) => ({ secretId: path.replace('data-sources/', ''), organizationId: '' })
  const secrets = ageSecrets(home)
  return {
    addr: '',
    rootToken: '',
    mount: '',
    request: async () => notHere('Vault'),
    readSecret: path =>
      locked(home, async () => {
        const { version, data } = await secrets.read(location(path))
        return data ? { version, data: revealed(data) as Record<string, unknown> } : undefined
      }),
    writeSecret: (path, data) =>
      locked(home, async () => {
        const { version } = await secrets.read(location(path))
        await secrets.write(location(path), sealed(data), version)
      }),
    listSecrets: async () => (await readdir(home.secrets)).map(name => name.replace('.age', '')),
    createPolicy: async () => notHere('a policy'),
    createToken: async () => notHere('a token'),
    userToken: async () => notHere('a token'),
    addMount: async () => notHere('a mount'),
    drop: async () => {},
  }
}

async function locked<T>(home: EmbeddedHome, work: () => Promise<T>): Promise<T> {
  const release = await lockHome(home, { timeoutMs: 30_000, onWait: () => {} })
  try {
    return await work()
  } finally {
    await release()
  }
}

function notHere(what: string): never {
  throw new Error(`The embedded profile has not got ${what}.`)
}
