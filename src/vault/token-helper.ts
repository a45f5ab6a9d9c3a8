import { type DsctlError, invalid } from '../domain/errors.ts'
import type { TokenStore } from './login-and-logout.ts'

interface TokenHelper {
  readonly path: string
  /** The environment of the program, with the address of Vault. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
}

/**
 * A program that keeps the token for the Vault command. It gets `get`, `store` or `erase` as its argument, reads the
 * token on standard input and writes it on standard output. No shell runs it, and what it prints is never shown.
 */
export function helperStore(helper: TokenHelper): TokenStore {
  return {
    place: `by the token helper ${helper.path}`,
    read: async () => (await runHelper(helper, 'get')) || undefined,
    save: async token => void (await runHelper(helper, 'store', token)),
    erase: async () => void (await runHelper(helper, 'erase')),
  }
}

const MAX_OUTPUT_BYTES = 64 * 1024

async function runHelper(helper: TokenHelper, action: 'get' | 'store' | 'erase', input = ''): Promise<string> {
  const { execFile } = await import('node:child_process')
  const { path, env, timeoutMs } = helper
  const options = { env: { ...env }, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const
  return new Promise((resolve, reject) => {
    const child = execFile(path, [action], options, (error, stdout) => {
      if (error) reject(helperFailed(helper, action, error))
      else resolve(stdout.trim())
    })
    child.stdin?.on('error', () => {}) // it need not read the token
    child.stdin?.end(input)
  })
}

function helperFailed({ path, timeoutMs }: TokenHelper, action: string, error: unknown): DsctlError {
  const { code, killed } = error as { code?: unknown; killed?: unknown }
  const reason =
    typeof code === 'number'
      ? `it exited with ${code}`
      : code === 'ENOENT'
        ? 'it does not exist'
        : code === 'EACCES'
          ? 'you may not run it'
          : code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'
            ? 'it printed more than a token'
            : killed
              ? `it did not end within ${timeoutMs / 1000} s`
              : String(code ?? 'it was killed')
  const slow = killed && code !== 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' ? ' If it is slow, pass --timeout.' : ''
  return invalid(
    `The token helper ${path} cannot ${action} the token: ${reason}.`,
    [],
    `Run it by hand to see why: ${path} ${action}${slow ? `.${slow}` : ''}`,
  )
}
