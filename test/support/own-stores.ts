import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { folderOf, freePort, POSTGRES_BIN } from './own-servers.ts'
import { database, type ScratchDatabase } from './servers.ts'
import { vaultRequest } from './vault-request.ts'

// Starts the two stores as servers for one suite, which may stop, freeze, seal and break them.

/** The path of the server's binary; undefined if it is not installed. */
export const BAO_BIN = baoBin()

function baoBin(): string | undefined {
  const cache = process.env.DSCTL_CI_CACHE ?? join(process.env.TMPDIR ?? '/tmp', 'dsctl-ci')
  const installed = existsSync(cache) ? readdirSync(cache).filter(name => name.startsWith('openbao-')) : []
  const folders = [...installed.map(name => join(cache, name, 'bin')), ...(process.env.PATH ?? '').split(delimiter)]
  return folders.map(folder => join(folder, 'bao')).find(existsSync)
}

export interface OwnPostgres {
  readonly database: ScratchDatabase
  /** Ends every session at once and starts again. */
  restart(): Promise<void>
  stop(): void
}

/** A Postgres with one database, few connections, and no passwords on loopback. */
export async function ownDatabase(): Promise<OwnPostgres> {
  const bin = POSTGRES_BIN ?? ''
  const { folder, ids } = folderOf('postgres')
  const data = join(folder, 'data')
  const run = async (command: string, args: readonly string[]) => {
    const child = spawn(join(bin, command), args, { ...ids, cwd: folder, stdio: 'ignore' })
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${command} ended with ${code}`)
  }
  await run('initdb', ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync'])
  const port = await freePort()
  const few = '-c max_connections=12 -c superuser_reserved_connections=3'
  const options = `-p ${port} -k ${folder} -c fsync=off -c listen_addresses=127.0.0.1 ${few}`
  const pgCtl = (...args: string[]) => run('pg_ctl', ['-D', data, '-w', ...args])
  await pgCtl('-o', options, '-l', join(folder, 'log'), 'start')
  return {
    database: database(new URL(`postgres://postgres@127.0.0.1:${port}/postgres`), 'outages', async () => {}),
    restart: () => pgCtl('-m', 'fast', 'restart'),
    stop() {
      spawnSync(join(bin, 'pg_ctl'), ['-D', data, '-m', 'immediate', 'stop'], { ...ids, cwd: folder })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface OwnVault {
  readonly addr: string
  readonly rootToken: string
  seal(): Promise<void>
  unseal(): Promise<void>
  /** Suspends the process: it accepts connections but does not answer. */
  freeze(): void
  thaw(): void
  /** Suspends the process most of the time, until the returned function is called. */
  slow(): () => void
  kill(): Promise<void>
  /** Starts the killed server again. It is sealed. */
  start(): Promise<void>
  stop(): void
}

/** An OpenBao with storage on disk, initialized and unsealed. */
export async function ownVault(): Promise<OwnVault> {
  const folder = mkdtempSync(join(tmpdir(), 'dsctl-bao-'))
  const node = await baoNode(folder, port => raft(join(folder, 'data'), { name: 'only', port, others: '' }))
  await node.start()
  const keys = await initialize(node.addr)
  const unseal = () => unsealed(node.addr, keys.key, [ACTIVE])
  await unseal()
  return {
    ...node,
    rootToken: keys.rootToken,
    unseal,
    seal: async () => void (await put(node.addr, 'sys/seal', {}, keys.rootToken)),
    slow() {
      const beat = setInterval(() => {
        node.freeze()
        setTimeout(node.thaw, 120)
      }, 150)
      return () => {
        clearInterval(beat)
        setTimeout(node.thaw, 130)
      }
    },
    stop() {
      node.thaw()
      node.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface OwnCluster {
  readonly rootToken: string
  readonly addrs: readonly string[]
  /** The index of the leading node's address. */
  leader(): Promise<number>
  kill(node: number): Promise<void>
  /** Starts a node that was killed, and unseals it. */
  revive(node: number): Promise<void>
  stop(): void
}

/** Three OpenBao nodes of one raft cluster. */
export async function ownCluster(): Promise<OwnCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'dsctl-raft-'))
  const nodes: BaoNode[] = []
  for (const name of ['a', 'b', 'c']) {
    const others = nodes.map(({ addr }) => `retry_join { leader_api_addr = "${addr}" }`).join('\n')
    nodes.push(await baoNode(folder, port => raft(join(folder, name), { name, port, others })))
  }
  await Promise.all(nodes.map(node => node.start()))
  const [first, ...others] = nodes as [BaoNode, ...BaoNode[]]
  const { key, rootToken } = await initialize(first.addr)
  await unsealed(first.addr, key)
  await Promise.all(others.map(({ addr }) => unsealed(addr, key)))
  const leader = async () => {
    for (const end = Date.now() + 30_000; Date.now() < end; await pause(100)) {
      const states = await Promise.all(nodes.map(({ addr }) => request(addr, 'GET', 'sys/health')))
      const leading = states.findIndex(state => state?.status === ACTIVE)
      if (leading >= 0) return leading
    }
    throw new Error('no node leads')
  }
  await leader()
  // By default, a node that joins cannot vote for ten seconds.
  const autopilot = { server_stabilization_time: '1s' }
  await put(first.addr, 'sys/storage/raft/autopilot/configuration', autopilot, rootToken)
  await until(async () => {
    const answer = await request(first.addr, 'GET', 'sys/storage/raft/configuration', { token: rootToken })
    const servers: { voter: boolean }[] = answer?.body.data?.config.servers ?? []
    return servers.filter(({ voter }) => voter).length === nodes.length
  }, 'a vote for each node')
  return {
    rootToken,
    addrs: nodes.map(({ addr }) => addr),
    leader,
    kill: async node => nodes[node]?.kill(),
    async revive(node) {
      await nodes[node]?.start()
      await unsealed(nodes[node]?.addr ?? '', key)
    },
    stop() {
      for (const node of nodes) node.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function raft(path: string, { name, port, others }: { name: string; port: number; others: string }): string {
  mkdirSync(path)
  return `cluster_addr = "https://127.0.0.1:${port}"
    storage "raft" {
      path = "${path}"
      node_id = "${name}"
      performance_multiplier = 1
      ${others}
    }`
}

/** The response of sys/health for an unsealed node. */
const [ACTIVE, STANDBY] = [200, 429]

interface BaoNode {
  readonly addr: string
  start(): Promise<void>
  kill(): Promise<void>
  freeze(): void
  thaw(): void
  stop(): void
}

/** Waits until every thread has stopped: the signal returns earlier, and the server could still answer a request. */
function waitUntilStopped(pid: number | undefined): void {
  const tasks = `/proc/${pid}/task`
  const isStopped = (task: string) => {
    try {
      return /\) [TtZX] /.test(readFileSync(join(tasks, task, 'stat'), 'utf8'))
    } catch {
      return true // the thread has ended
    }
  }
  while (existsSync(tasks) && !readdirSync(tasks).every(isStopped)) {}
}

async function baoNode(folder: string, storage: (clusterPort: number) => string): Promise<BaoNode> {
  const [port, clusterPort] = [await freePort(), await freePort()]
  const addr = `http://127.0.0.1:${port}`
  const file = join(folder, `${port}.hcl`)
  const where = `address = "127.0.0.1:${port}"\n cluster_address = "127.0.0.1:${clusterPort}"\n tls_disable = true`
  writeFileSync(file, `${storage(clusterPort)}\nlistener "tcp" {\n ${where}\n}\napi_addr = "${addr}"\n`)
  let child: ChildProcess | undefined
  return {
    addr,
    async start() {
      child = spawn(BAO_BIN ?? '', ['server', `-config=${file}`], { stdio: 'ignore', env: { HOME: folder } })
      await until(async () => (await request(addr, 'GET', 'sys/seal-status'))?.status === 200, `OpenBao on ${port}`)
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    freeze() {
      child?.kill('SIGSTOP')
      waitUntilStopped(child?.pid)
    },
    thaw: () => void child?.kill('SIGCONT'),
    stop: () => void child?.kill('SIGKILL'),
  }
}

async function initialize(addr: string): Promise<{ key: string; rootToken: string }> {
  const { body } = await put(addr, 'sys/init', { secret_shares: 1, secret_threshold: 1 })
  return { key: body.keys_base64[0], rootToken: body.root_token }
}

/** Unseals a server, and waits until it is ready. */
async function unsealed(addr: string, key: string, healthy = [ACTIVE, STANDBY]): Promise<void> {
  await until(async () => {
    await put(addr, 'sys/unseal', { key })
    const health = await request(addr, 'GET', 'sys/health')
    return health !== undefined && healthy.includes(health.status)
  }, `${addr} unsealed`)
}

const put = async (addr: string, path: string, body: unknown, token = '') =>
  (await request(addr, 'PUT', path, { token, body })) ?? { status: 0, body: {} }

async function request(addr: string, method: string, path: string, { token = '', body }: Sent = {}) {
  return vaultRequest(addr, token, { method, path, body }).catch(() => undefined)
}

interface Sent {
  readonly token?: string
  readonly body?: unknown
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await pause(50)) if (await holds()) return
  throw new Error(`${what} was waited for in vain`)
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
