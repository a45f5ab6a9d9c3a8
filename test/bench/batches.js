import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { batchFile } from './batch-file.js'
import { compare, peakMemory } from './measure.js'

const BARE = fileURLToPath(new URL('bare-secrets.js', import.meta.url))
const COUNT = 1000
const MANY = 10_000

/** Compares apply with bare requests to Vault, for 1,000 and for 10,000 items. */
export function compareBatches({ bin, folder, env, pairs }) {
  const apply = file => [bin, 'apply', '-f', file, '-o', 'json']
  const unchanged = batchFile(folder, COUNT)
  const ids = join(folder, 'ids')
  writeFileSync(ids, idsOf(apply(unchanged), env))
  const bareWrites = count => [BARE, 'write', String(count)]
  const made = compare(() => apply(batchFile(folder, COUNT)), bareWrites(COUNT), { pairs, env })
  const same = compare(apply(unchanged), [BARE, 'read', ids], { pairs, env })
  const many = compare(() => apply(batchFile(folder, MANY)), bareWrites(MANY), { pairs: 3, env })
  const largest = batchFile(folder, MANY)
  const memory = { made: peakMemory(apply(largest), env), same: peakMemory(apply(largest), env) }
  return { made, same, many, memory }
}

function idsOf(args, env) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
    .map(({ id }) => id)
    .join('\n')
}
