import { type PostgresProxy, postgresProxy, type Statement } from '../support/postgres-proxy.ts'
import type { Site } from '../support/site.ts'
import { type Exchange, type VaultProxy, vaultProxy } from '../support/vault-proxy.ts'
import type { Ended, Workers } from '../support/workers.ts'

/** A message that is held on its way. */
export interface Held {
  readonly title: string
  /** Its sender is gone, or waits for it no longer. */
  late: boolean
  /** Breaks its sender's connection. It stays on its way. */
  hangUp(): void
  /** Loses it: `cut` breaks the connection, `swallow` leaves its sender waiting. */
  lose(how: 'cut' | 'swallow'): void
  /**
   * Lets it go on. Resolves when the server has done what it says and the answer is on its way, unless that is lost;
   * `first` runs before.
   */
  pass(lost?: 'cut' | 'swallow', first?: () => Promise<void>): Promise<void>
}

/** One process with its own way to both servers, on which the messages of its commands are held. */
export interface Lane {
  /** The command that it runs. */
  command: string | undefined
  /** Whether that waits for an answer that will not come. */
  deaf: boolean
  /** Whether it may be saying more than is held: an apply says several things at once. */
  stirred: boolean
  held: Held[]
  /** Undefined where the command was killed. */
  run(command: string, args: readonly string[], stdin?: string): Promise<Ended | undefined>
  kill(): Promise<void>
  /** The command has waited long enough, and does so no longer. */
  expire(): void
  close(): void
}

/** Those of the operations; who finds out who is asking, and where a doctor looks, is passed on. */
const OPERATIONS = {
  postgres: /\/\* dsctl (create|update|delete|find|close|look)|update "dsctl"/,
  vault: /^(?!.*list=true)\S+ [^/]+\/(data|metadata|delete)\//,
}

/** `changed` is called whenever a message has come or a command has ended. */
export async function lane(site: Site, workers: Workers, changed: () => void): Promise<Lane> {
  const [postgres, vault] = await Promise.all([
    postgresProxy(site.env.DSCTL_DATABASE_URL ?? ''),
    vaultProxy(site.vault.addr),
  ])
  const env = { ...site.env, DSCTL_DATABASE_URL: postgres.url, VAULT_ADDR: vault.addr, PASSWORD: 'secret' }
  let worker = await workers.take()
  let batch = false
  const stir = () => {
    all.stirred = batch && all.command !== undefined
  }
  const all: Lane = {
    command: undefined,
    deaf: false,
    stirred: false,
    held: [],
    async run(command, args, stdin) {
      all.command = command
      batch = args[0] === 'apply'
      stir()
      const ended = await worker.run({ args, env, version: command, stdin })
      end(all)
      changed()
      return ended
    },
    async kill() {
      await worker.kill()
      worker = await workers.take()
      workers.prepare()
    },
    expire() {
      letGo(all)
      stir()
      worker.expire()
    },
    close() {
      if (!all.command) workers.give(worker)
      postgres.close()
      vault.close()
    },
  }
  holdAll(all, { postgres, vault, changed, stir })
  return all
}

function end(lane: Lane): void {
  lane.command = undefined
  letGo(lane)
}

function letGo(lane: Lane): void {
  lane.deaf = false
  for (const message of lane.held) message.late = true
}

function holdAll(
  lane: Lane,
  {
    postgres,
    vault,
    changed,
    stir,
  }: { postgres: PostgresProxy; vault: VaultProxy; changed: () => void; stir: () => void },
): void {
  const fault = <M extends { hangUp(): void }>(title: (message: M) => string) => {
    const answered = new WeakMap<M, () => Promise<'cut' | 'swallow' | undefined>>()
    return {
      before: (message: M) =>
        new Promise<'cut' | 'swallow' | undefined>(resolve => {
          const release = () => {
            lane.held = lane.held.filter(other => other !== held)
            stir()
          }
          const held: Held = {
            title: `${lane.command}: ${title(message)}`,
            late: lane.command === undefined,
            hangUp() {
              held.late = true
              stir()
              message.hangUp()
            },
            lose(how) {
              release()
              resolve(how)
            },
            pass(lost, first) {
              release()
              return new Promise(done => {
                answered.set(message, async () => {
                  await first?.()
                  done()
                  return lost
                })
                resolve(undefined)
              })
            },
          }
          lane.held.push(held)
          changed()
        }),
      after: (message: M) => answered.get(message)?.(),
    }
  }
  postgres.at(
    OPERATIONS.postgres,
    fault<Statement>(({ sql }) => /dsctl [^*]*|\w+/.exec(sql)?.[0].trim() ?? sql),
  )
  vault.at(
    OPERATIONS.vault,
    fault<Exchange>(({ method, path }) => `${method} ${path}`),
  )
}
