// `npm run bench` measures dsctl's start-up time and memory, as ratios to a baseline that is measured in turns with it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareBatches } from './batches.js'
import { compare, median, peakMemory } from './measure.js'
import { compareScale } from './scale.js'
import { prepareServers } from './servers.js'

const here = name => fileURLToPath(new URL(name, import.meta.url))
const BIN = here('../../bin/dsctl.js')
const NOTHING = ['-e', '0']
const pairs = Number(process.env.BENCH_PAIRS ?? 21)

console.log(`node ${process.version}, ${cpus().length} cores, medians of ${pairs} pairs\n`)
const rows = [...startUp(), ...embedded(), ...(await servers()), ...(await scale())]
console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, row])))

function startUp() {
  const env = { PATH: process.env.PATH }
  return [
    row('--version', 'node -e 0', 1.1, compare([BIN, '--version'], NOTHING, { pairs, env })),
    row('--help', 'node -e 0', 1.1, compare([BIN, '--help'], NOTHING, { pairs, env })),
  ]
}

function embedded() {
  const home = mkdtempSync(join(tmpdir(), 'dsctl-bench-'))
  const env = { PATH: process.env.PATH, HOME: home, DSCTL_PROFILE: 'embedded' }
  try {
    const first = median(Array.from({ length: 3 }, (_, n) => onceIn(join(home, `first-${n}`), env)))
    const later = compare([BIN, 'list'], NOTHING, { pairs: 7, env })
    return [
      {
        name: 'embedded, first command ever',
        against: '',
        ms: first,
        bare: undefined,
        ratio: undefined,
        most: '2500 ms',
      },
      { ...row('embedded list', 'node -e 0', undefined, later), most: '1000 ms' },
    ]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

function onceIn(folder, env) {
  const began = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [BIN, 'list'], { env: { ...env, DSCTL_HOME: folder } })
  if (status !== 0) throw new Error(String(stderr))
  return Math.round(performance.now() - began)
}

async function servers() {
  const prepared = await prepareServers(BIN)
  if (!prepared) {
    console.log(
      'No servers: DSCTL_TEST_POSTGRES_URL and DSCTL_TEST_VAULT_ADDR are not set, so list, create and apply are left out.\n',
    )
    return []
  }
  const { env } = prepared
  try {
    const memory = peakMemory([BIN, 'list'], env) / peakMemory(NOTHING, env)
    return [
      row('list', 'by hand', 1.2, compare([BIN, 'list', '-o', 'json'], [here('bare-list.js')], { pairs, env })),
      row('create', 'by hand', 1.3, compare(prepared.create, [here('bare-create.js')], { pairs, env })),
      {
        name: 'list, peak memory',
        against: 'node -e 0',
        ms: undefined,
        bare: undefined,
        ratio: round(memory),
        most: 2.2,
      },
      ...batches(prepared),
    ]
  } finally {
    await prepared.drop()
  }
}

async function scale() {
  const found = await compareScale(BIN, pairs)
  if (!found) return []
  const memory = { name: 'list --all, peak memory', against: '100 of 100', ms: undefined, bare: undefined, most: 3 }
  return [
    row('list, 100,000 of 1,000,000', '100 of 100', 1.2, found.list),
    row('get by name, 100,000 of 1,000,000', '100 of 100', 1.2, found.get),
    { ...memory, ratio: round(found.memory) },
  ]
}

function batches({ env, home }) {
  const { made, same, many, memory } = compareBatches({ bin: BIN, folder: home, env, pairs: Math.min(pairs, 11) })
  const none = { against: '', bare: undefined, ratio: undefined }
  return [
    row('apply, 1,000 new', '1,000 bare writes', 1.6, made),
    row('apply, 1,000 unchanged', '1,000 bare reads', 1.5, same),
    row('apply, 10,000 new', '10,000 bare writes', 1.6, many),
    { name: 'apply, 10,000 new, peak memory', ...none, ms: `${Math.round(memory.made)} MiB`, most: '250 MiB' },
    { name: 'apply, 10,000 unchanged, peak memory', ...none, ms: `${Math.round(memory.same)} MiB`, most: '250 MiB' },
  ]
}

function row(name, against, most, { median: ms, against: bare, ratio }) {
  return { name, against, ms: Math.round(ms), bare: Math.round(bare), ratio: round(ratio), most }
}

function round(number) {
  return Math.round(number * 100) / 100
}
