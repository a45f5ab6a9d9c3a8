import { type PostgresProxy, postgresProxy } from './postgres-proxy.ts'
import { dsctl, type Running, type RunOptions, type RunResult, type Spawned, spawnDsctl, startDsctl } from './run.ts'
import type { Site } from './site.ts'
import { type VaultProxy, vaultProxy } from './vault-proxy.ts'

export interface ProxiedSite {
  readonly postgres: PostgresProxy
  readonly vault: VaultProxy
  /** The admin's environment, with both servers behind their proxies. */
  readonly env: Readonly<Record<string, string>>
  dsctl(args: readonly string[], options?: RunOptions): Promise<RunResult>
  start(args: readonly string[], options?: RunOptions): Running
  /** Starts it in a process of its own. */
  spawn(args: readonly string[], options?: RunOptions): Spawned
  /** Disarms all faults and makes both servers answer. */
  restore(): Promise<void>
  close(): void
}

/** A site whose admin connects to both servers through proxies, which record calls and inject faults. */
export async function proxySite(site: Site, databaseUrl = site.database.url): Promise<ProxiedSite> {
  const [postgres, vault] = await Promise.all([postgresProxy(databaseUrl), vaultProxy(site.vault.addr)])
  const env = { ...site.env, DSCTL_DATABASE_URL: postgres.url, VAULT_ADDR: vault.addr }
  const options = (more: RunOptions = {}) => ({ home: site.home, ...more, env: { ...env, ...more.env } })
  return {
    postgres,
    vault,
    env,
    dsctl: (args, more) => dsctl(args, options(more)),
    start: (args, more) => startDsctl(args, options(more)),
    spawn: (args, more) => spawnDsctl(args, options(more)),
    async restore() {
      postgres.clear()
      vault.clear()
      postgres.thaw()
      vault.thaw()
    },
    close() {
      postgres.close()
      vault.close()
    },
  }
}
