import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { openTerminal } from '../../support/terminal.ts'

export interface Ended {
  readonly answer?: unknown
  readonly code?: string
  /** Whether the terminal was left in raw mode. */
  readonly raw: boolean
}

/** A scene that plays in a pseudo-terminal. */
export interface Playing {
  /** Waits until this text stands on the screen, after what earlier calls waited for; then types. */
  answer(text: string, keys: string): Promise<void>
  ended(): Promise<Ended>
  /** All that the terminal was sent. */
  output(): string
}

const folder = mkdtempSync(join(tmpdir(), 'dsctl-stage-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let plays = 0

/** Bundles the scenes, since Node 20 runs no TypeScript. */
export async function buildScenes(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('scene.ts', import.meta.url))],
    outfile: join(folder, 'scene.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  })
}

export function play(scene: string, options: object = {}, env: Record<string, string> = {}): Playing {
  const resultFile = join(folder, `result-${plays++}.json`)
  const args = [join(folder, 'scene.mjs'), scene, resultFile, JSON.stringify(options)]
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
