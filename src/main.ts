import type { Host } from './run.ts'

declare const DSCTL_VERSION: string

/** What this needs of a process: Node's own modules by name, which is quicker than to import them. */
export interface HostProcess extends Host {
  readonly env: Record<string, string | undefined>
  getBuiltinModule: NodeJS.Process['getBuiltinModule']
}

/**
 * Runs dsctl in a process and answers its exit code. Whoever asks for the version or the general help waits for nothing
 * else: even Node's stdout takes longer to open than both take to print.
 */
export async function main(host: HostProcess): Promise<number> {
  const args = host.argv.slice(2)
  const text = args.length < 2 ? FAST_PATHS[args[0] ?? ''] : undefined
  const fs = host.getBuiltinModule('node:fs')
  if (text) return printSync(host, fs, text(fs))
  // Newer than the oldest Node that this runs on, and so than the types.
  const module = host.getBuiltinModule('node:module') as { enableCompileCache?: () => unknown }
  module.enableCompileCache?.() // Node 22 and later: starts after the first are quicker
  ensureHome(host)
  const { run } = await import('./run.js')
  return run(host, DSCTL_VERSION)
}

/** A user whom the machine does not know (a container's, say) has no home folder, for which Node and packages throw. */
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
    // A reader that went away, as `| head -1` does, is no failure.
    if (code === 'EPIPE') return 0
    if (code !== 'EAGAIN') {
      writeSync(2, `dsctl: The output cannot be written: ${String(code)}.\n`)
      return 1
    }
    // Somebody else has made the pipe one that does not wait, and it is full: Node's stream waits.
    host.stdout.write(rest)
  }
  return 0
}
