import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BIN, cleanEnvironment, temporaryFolder } from './run.ts'

export interface Shell {
  /** The working folder. */
  readonly folder: string
  /** Runs a command. Returns its output on both streams. Variables and `$?` are kept for the next command. */
  run(command: string): Promise<string>
  end(): void
}

/** A PATH that starts with a folder that contains `dsctl`. */
export function pathWithDsctl(): string {
  const path = temporaryFolder()
  writeFileSync(join(path, 'dsctl'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, { mode: 0o755 })
  return `${path}:${process.env.PATH}`
}

/** A long-running bash with `dsctl` in its PATH, an empty home and empty standard input. */
export function shell(env: Readonly<Record<string, string>>): Shell {
  const folder = temporaryFolder()
  const own = cleanEnvironment({ ...env, PATH: pathWithDsctl() }, temporaryFolder())
  const bash = spawn('bash', ['--norc', '--noprofile'], {
    cwd: folder,
    env: own,
    stdio: 'pipe',
  })
  let printed = ''
  const collect = (chunk: Buffer) => {
    printed += chunk
  }
  bash.stdout.on('data', collect)
  bash.stderr.on('data', collect)
  let status = '0'
  return {
    folder,
    end: () => bash.stdin.end(),
    async run(command) {
      printed = ''
      const end = `--end-${Math.random().toString(36).slice(2)}--`
      bash.stdin.write(`{ (exit ${status}); { ${command}\n} </dev/null; } 2>&1; echo "${end} $?"\n`)
      const done = new RegExp(`${end} (\\d+)\n`)
      for (let found = done.exec(printed); ; found = done.exec(printed)) {
        if (found) {
          status = found[1] ?? '0'
          return printed.slice(0, found.index)
        }
        if (bash.exitCode !== null) throw new Error(`bash ended:\n${printed}`)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    },
  }
}
