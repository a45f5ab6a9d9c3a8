import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { openTerminal } from '../../support/terminal.ts'

export interface PromptResult {
  readonly answer?: unknown
  readonly code?: string
  /** Whether the terminal was left in raw mode. */
  readonly raw: boolean
}

/** A prompt that runs in a pseudo-terminal. */
export interface PromptProcess {
  /** Waits for text that follows the text of earlier calls, then types the keys. */
  answer(text: string, keys: string): Promise<void>
  ended(): Promise<PromptResult>
  /** Everything that was sent to the terminal. */
  output(): string
}

const folder = mkdtempSync(join(tmpdir(), 'dsctl-prompt-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let started = 0

/** Bundles the program: Node 20 does not run TypeScript. Call it before startPrompt. */
export async function buildPromptProgram(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('prompt-program.ts', import.meta.url))],
    outfile: join(folder, 'prompt-program.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  })
}

export function startPrompt(name: string, options: object = {}, env: Record<string, string> = {}): PromptProcess {
  const resultFile = join(folder, `result-${started++}.json`)
  const args = [join(folder, 'prompt-program.mjs'), name, resultFile, JSON.stringify(options)]
  const screen = openTerminal(args, { env, home: folder })
  return {
    async answer(text, keys) {
      await screen.waitFor(text)
      if (keys !== '') screen.type(keys)
    },
    async ended() {
      await screen.exit
      return JSON.parse(readFileSync(resultFile, 'utf8'))
    },
    output: screen.raw,
  }
}
