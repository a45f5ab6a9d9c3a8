import { spawnSync } from 'node:child_process'

/**
 * Runs two commands in turns and returns the medians of both and of the ratios of each pair. The machine's speed may
 * change during the run, so only the ratio of two consecutive runs is meaningful.
 */
export function compare(command, measure, { pairs, env, measureEnv = env }) {
  run(command, env) // warms up, and checks that both work
  run(measure, measureEnv)
  const times = Array.from({ length: pairs }, () => [timeOf(command, env), timeOf(measure, measureEnv)])
  return {
    median: median(times.map(([time]) => time)),
    against: median(times.map(([, time]) => time)),
    ratio: median(times.map(([time, other]) => time / other)),
  }
}

/** The largest resident set of a command, in MiB. */
export function peakMemory(command, env) {
  const hook =
    "import{writeSync}from'node:fs';process.on('exit',()=>writeSync(2,'\\nmaxrss '+process.resourceUsage().maxRSS+'\\n'))"
  const { stderr } = run(['--import', `data:text/javascript,${encodeURIComponent(hook)}`, ...command], env)
  return Number(/maxrss (\d+)/.exec(stderr)[1]) / 1024
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** How long a command takes, in milliseconds. A command is a list of arguments of Node, or a function that returns one. */
function timeOf(command, env) {
  const args = typeof command === 'function' ? command() : command
  const began = performance.now()
  run(args, env)
  return performance.now() - began
}

function run(command, env) {
  const args = typeof command === 'function' ? command() : command
  const result = spawnSync(process.execPath, args, { env, encoding: 'utf8', maxBuffer: Number.POSITIVE_INFINITY })
  if (result.status !== 0) throw new Error(`node ${args.join(' ')} ended with ${result.status}:\n${result.stderr}`)
  return result
}
