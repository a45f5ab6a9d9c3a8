import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openSshKey, serviceAccount } from '../unit/source-types/samples.ts'
import type { RunResult } from './run.ts'

/** Secrets unique to this run, one for each way to pass a secret to dsctl. */
export const CANARIES = Object.fromEntries(
  [
    'request',
    'stdin',
    'file',
    'variable',
    'apiKey',
    'passphrase',
    'nested',
    'database',
    'extra',
    'login',
    'mistake',
  ].map(name => [name, `CANARY${name}${randomUUID().slice(0, 8)}`]),
) as Readonly<Record<CanaryName, string>>

type CanaryName =
  | 'request'
  | 'stdin'
  | 'file'
  | 'variable'
  | 'apiKey'
  | 'passphrase'
  | 'nested'
  | 'database'
  | 'extra'
  | 'login'
  | 'mistake'

/** A private key with a canary in its body. */
export const canaryKey = openSshKey.replace('MARKERkeybody', `CANARYkey${'x'.repeat(4)}`)

export const canaryAccount = { ...serviceAccount, private_key: canaryKey, private_key_id: CANARIES.nested }

/** The names of the canaries that text contains, plain or encoded for URLs or as base64. */
export function canariesIn(text: string, more: readonly string[] = []): string[] {
  const all = [...Object.values(CANARIES), 'CANARY', 'MARKER', ...more]
  return all.filter(secret => formsOf(secret).some(form => text.includes(form)))
}

function formsOf(secret: string): string[] {
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=*$/, '').slice(0, -1)]
}

export function expectNoCanary(result: RunResult, what: string, more: readonly string[] = []): void {
  const { stdout, stderr } = result
  const found = canariesIn(stdout + stderr, more)
  expect(found, `${what}\nstdout: ${stdout}\nstderr: ${stderr}`).toEqual([])
}

/** The files below a folder that contain a canary. */
export function filesWithCanary(folder: string, more: readonly string[] = []): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile())
    .filter(path => canariesIn(readFileSync(path, 'latin1'), more).length > 0)
}

/** Stops a process, inspects it as another process could, and expects no canary or other secret. */
export function expectUnseen(
  pid: number,
  { folders, secrets }: { folders: readonly string[]; secrets: readonly string[] },
): void {
  process.kill(pid, 'SIGSTOP')
  const threads = readdirSync(`/proc/${pid}/task`).map(id => `/proc/${pid}/task/${id}`)
  const names = [`/proc/${pid}/cmdline`, ...threads.map(thread => `${thread}/comm`)].map(path => readFileSync(path))
  expect(names.join(' ')).toContain('create')
  expect(canariesIn(names.join(' '), secrets)).toEqual([])
  const children = threads.map(thread => `${thread}/children`).filter(path => existsSync(path))
  expect(children.map(path => readFileSync(path, 'utf8')).join('')).toBe('')
  // Includes files that are open but already unlinked.
  const open = readdirSync(`/proc/${pid}/fd`).map(fd => `/proc/${pid}/fd/${fd}`)
  const files = open.filter(path => statSync(path, { throwIfNoEntry: false })?.isFile())
  expect(files.filter(path => canariesIn(readFileSync(path, 'latin1'), secrets).length > 0)).toEqual([])
  for (const folder of folders) expect(filesWithCanary(folder, secrets)).toEqual([])
  process.kill(pid, 'SIGCONT')
}
