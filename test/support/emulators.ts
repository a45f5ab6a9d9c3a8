import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from './own-servers.ts'
import { temporaryFolder } from './run.ts'

/** The folder of the service emulators, from `.ci/install-emulators`; undefined if they are not installed. */
export const EMULATORS = process.env.DSCTL_TEST_EMULATORS || undefined

export interface Emulator {
  readonly port: number
}

const children: ChildProcess[] = []

/** Stops all emulators that were started. */
export function stopEmulators(): void {
  for (const child of children) child.kill('SIGKILL')
}

/** Starts an emulator on a free port. `args`: a command of its environment and its arguments. */
export async function startEmulator(
  name: 'snowflake' | 'bigquery' | 'databricks' | 'sqlserver',
  args: (port: number) => readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<Emulator> {
  const port = await freePort()
  const [command, ...rest] = args(port)
  const folder = temporaryFolder()
  const bin = join(EMULATORS ?? '', name, 'bin')
  const child = spawn(join(bin, command), rest, {
    cwd: folder,
    env: { PATH: `${bin}:${process.env.PATH}`, HOME: folder, TMPDIR: folder, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.push(child)
  let said = ''
  child.stderr.on('data', chunk => {
    said = (said + chunk).slice(-4000)
  })
  let ended = false
  child.on('error', error => {
    said += error.message
    ended = true
  })
  child.on('exit', () => {
    ended = true
  })
  for (const end = Date.now() + 50_000; !ended && Date.now() < end; ) {
    if (await isOpen(port)) return { port }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`${name} does not answer:\n${said}`)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.destroy() && resolve(true))
    socket.once('error', () => resolve(false))
  })
}
