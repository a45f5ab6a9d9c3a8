import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Builds dist/ unless it is newer than its sources. Returns the error output, or '' if the build succeeded. */
export function buildIfStale(): string {
  if (!isStale()) return ''
  const { status, stdout, stderr } = spawnSync('npm', ['run', 'build'], { cwd: root, encoding: 'utf8' })
  return status === 0 ? '' : `${stdout}${stderr}`
}

function isStale(): boolean {
  const built = join(root, 'dist/main.js')
  if (!existsSync(built)) return true
  const since = statSync(built).mtimeMs
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map(name => join('src', name))
  return [...sources, 'package.json'].some(name => statSync(join(root, name)).mtimeMs > since)
}
