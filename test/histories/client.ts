import { type PostgresProxy, postgresProxy, type Statement } from '../support/postgres-proxy.ts'
import type { Site } from '../support/site.ts'
import { type Exchange, type VaultProxy, vaultProxy } from '../support/vault-proxy.ts'
import type { Ended, Workers } from '../support/workers.ts'

/** A message that a proxy holds back. */
export interface HeldMessage {
  readonly title: string
  /** Whether its sender has ended or has given up on it. */
  late: boolean
  /** Breaks the sender's connection. The message stays held. */
  hangUp(): void
  /** Drops the message. `cut` breaks the connection, `swallow` leaves the sender waiting. */
  lose(how: 'cut' | 'swallow'): void
  /**
   * Passes the message on. Resolves when the server has responded. `lost` drops the response; `beforeResponse` runs
   * before the response is sent or dropped.
   */
  deliver(lost?: 'cut' | 'swallow', beforeResponse?: () => Promise<void>): Promise<void>
}

/** A process that runs one command at a time, through proxies of its own that hold its messages. */
export interface Client {
  /** The label of the command that is running. */
  command: string | undefined
  /** Whether the command waits for a response that will not come. */
  hanging: boolean
  /** Whether more messages may follow soon: an apply sends several at once. */
  maySendMore: boolean
  held: HeldMessage[]
  /** Resolves when the command ends, with undefined if it was killed. */
  run(command: string, args: readonly string[], stdin?: string): Promise<Ended | undefined>
  kill(): Promise<void>
  /** Makes the command's pending calls time out. */
  timeOut(): void
  close(): void
}

/** The statements of operations, as their SQL comments name them. The caller's look-up and doctor's pass at once. */
export const HELD_STATEMENTS = [
  ...['find', 'find name', 'find names', 'find intent', 'find unsettled', 'check statistics'],
  ...['begin create', 'begin update', 'begin delete', 'update'],
  ...['record base version', 'commit create', 'commit update', 'close intents'],
]

const HELD_MESSAGES = {
  // The statement without a comment moves an intent to `undoing`.
  postgres: new RegExp(`/\\* dsctl (${HELD_STATEMENTS.join('|')}) \\*/|update "dsctl"`),
  // Doctor lists secrets. That is not a step.
  vault: /^(?!.*list=true)\S+ [^/]+\/(data|metadata|delete)\//,
}

/** Calls `onChange` whenever a message has arrived or a command has ended. */
export async function createClient(site: Site, workers: Workers, onChange: () => void): Promise<Client> {
  const [postgres, vault] = await Promise.all([
    postgresProxy(site.env.DSCTL_DATABASE_URL ?? ''),
    vaultProxy(site.vault.addr),
  ])
  const env = { ...site.env, DSCTL_DATABASE_URL: postgres.url, VAULT_ADDR: vault.addr, PASSWORD: 'secret' }
  let worker = await workers.take()
  let isApply = false
  const expectMore = () => {
    client.maySendMore = isApply && client.command !== undefined
  }
  const client: Client = {
    command: undefined,
    hanging: false,
    maySendMore: false,
    held: [],
    async run(command, args, stdin) {
      client.command = command
      isApply = args[0] === 'apply'
      expectMore()
      const ended = await worker.run({ args, env, version: command, stdin })
      client.command = undefined
      stopWaiting(client)
      onChange()
      return ended
    },
    async kill() {
      await worker.kill()
      worker = await workers.take()
      workers.prepare()
    },
    timeOut() {
      stopWaiting(client)
      expectMore()
      worker.expire()
    },
    close() {
      if (!client.command) workers.give(worker)
      postgres.close()
      vault.close()
    },
  }
  holdMessages(client, { postgres, vault }, { onChange, expectMore })
  return client
}

function stopWaiting(client: Client): void {
  client.hanging = false
  for (const message of client.held) message.late = true
}

interface Hooks {
  onChange(): void
  /** Called when the client may be about to send more messages. */
  expectMore(): void
}

function holdMessages(
  client: Client,
  { postgres, vault }: { postgres: PostgresProxy; vault: VaultProxy },
  hooks: Hooks,
): void {
  postgres.at(
    HELD_MESSAGES.postgres,
    holdEach<Statement>(client, ({ sql }) => /dsctl [^*]*|\w+/.exec(sql)?.[0].trim() ?? sql, hooks),
  )
  vault.at(
    HELD_MESSAGES.vault,
    holdEach<Exchange>(client, ({ method, path }) => `${method} ${path}`, hooks),
  )
}

/** A fault that adds each message to the client's held messages, and waits until it is delivered or lost. */
function holdEach<M extends { hangUp(): void }>(client: Client, title: (message: M) => string, hooks: Hooks) {
  type Verdict = 'cut' | 'swallow' | undefined
  const onResponse = new WeakMap<M, () => Promise<Verdict>>()
  const hold = (message: M, resolve: (verdict: Verdict) => void): HeldMessage => {
    const release = () => {
      client.held = client.held.filter(other => other !== held)
      hooks.expectMore()
    }
    const held: HeldMessage = {
      title: `${client.command}: ${title(message)}`,
      late: client.command === undefined,
      hangUp() {
        held.late = true
        hooks.expectMore()
        message.hangUp()
      },
      lose(how) {
        release()
        resolve(how)
      },
      deliver(lost, beforeResponse) {
        release()
        return new Promise(done => {
          onResponse.set(message, async () => {
            await beforeResponse?.()
            done()
            return lost
          })
          resolve(undefined)
        })
      },
    }
    return held
  }
  return {
    before: (message: M) =>
      new Promise<Verdict>(resolve => {
        client.held.push(hold(message, resolve))
        hooks.onChange()
      }),
    after: (message: M) => onResponse.get(message)?.(),
  }
}
