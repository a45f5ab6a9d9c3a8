import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { spawn } from '@lydell/node-pty'
import { build } from 'esbuild'

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
  const pty = spawn(process.execPath, args, {
    cols: 100,
    rows: 40,
    env: { PATH: process.env.PATH ?? '', HOME: folder, TERM: 'xterm', ...env },
  })
  let output = ''
  let seen = 0
  pty.onData(data => {
    output += data
  })
  let over = false
  const exit = new Promise<void>(resolve => {
    pty.onExit(() => {
      over = true
      resolve()
    })
  })
  return {
    async answer(text, keys) {
      const position = () => stripVTControlCharacters(output).indexOf(text, seen)
      const deadline = Date.now() + 10_000
      while (position() < 0) {
        if (over || Date.now() > deadline) throw new Error(`${text} never came, but: ${JSON.stringify(output)}`)
        await pause(20)
      }
      seen = position() + text.length
      // inquirer ignores what was typed before its prompt reads, and what it reads it shows, if only masked: on a busy
      // machine, keys that nothing answers came too soon.
      await pause(80)
      for (let tries = 0; tries < 3 && !over; tries++) {
        const before = output.length
        pty.write(keys)
        const patience = Date.now() + 3000
        while (output.length === before && !over && keys !== '' && Date.now() < patience) await pause(20)
        if (output.length > before || keys === '') return
      }
    },
    async ended() {
      await exit
      return JSON.parse(readFileSync(resultFile, 'utf8'))
    },
    output: () => output,
  }
}
