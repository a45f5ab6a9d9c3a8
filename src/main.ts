import type { Host } from './run.ts'

declare const DSCTL_VERSION: string

/**
 * The part of the process that `main` uses. Loading Node's modules through the process is faster than importing them.
 */
export interface HostProcess extends Host {
  readonly env: Record<string, string | undefined>
  getBuiltinModule: NodeJS.Process['getBuiltinModule']
}

/**
 * Runs dsctl and returns the exit code. Prints the version and the general help without loading the program and without
 * opening Node's stdout, which takes longer than printing.
 */
export async function main(host: HostProcess): Promise<number> {
  const args = host.argv.slice(2)
  const render = args.length < 2 ? FAST_PATHS[args[0] ?? ''] : undefined
  const fs = host.getBuiltinModule('node:fs')
  if (render) return printSync(host, fs, render(fs))
  // The types are those of Node 20, which does not have this function.
  const module = host.getBuiltinModule('node:module') as { enableCompileCache?: () => unknown }
  module.enableCompileCache?.() // speeds up later starts
  ensureHome(host)
  const { run } = await import('./run.js')
  return run(host, DSCTL_VERSION)
}

/** Sets HOME if the system does not know the user, for example in a container. Node and packages would throw. */
function ensureHome({ env, getBuiltinModule }: HostProcess): void {
  if (env.HOME === '') delete env.HOME
  try {
    getBuiltinModule('node:os').homedir()
  } catch {
    env.HOME = '/'
  }
}

type FileSystem = typeof import('node:fs')

const version = () => `${DSCTL_VERSION}\n`
const help = (fs: FileSystem) => fs.readFileSync(`${import.meta.dirname}/help.txt`, 'utf8')
const FAST_PATHS: Readonly<Record<string, (fs: FileSystem) => string>> = {
  '--version': version,
  '-V': version,
  '': help,
  help,
  '--help': help,
  '-h': help,
}

function printSync(host: HostProcess, { writeSync }: FileSystem, text: string): number {
  let rest = Buffer.from(text)
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest))
  } catch (error) {
    const { code } = error as { code?: unknown }
    // The reader went away, for example `| head -1`, which is not an error.
    if (code === 'EPIPE') return 0
    if (code !== 'EAGAIN') {
      writeSync(2, `dsctl: The output cannot be written: ${String(code)}.\n`)
      return 1
    }
    // The pipe is full, and another process has made it non-blocking. Node's stream waits.
    host.stdout.write(rest)
  }
  return 0
}
