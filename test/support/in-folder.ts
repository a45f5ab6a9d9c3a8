const ROOT = process.cwd()

let folder: string | undefined
let running = 0
const waiting: (() => void)[] = []

/**
 * Runs a function with `cwd` as the working folder of this process. Functions with another folder wait until those that
 * are running have ended; functions without a folder never wait, so they must not read relative paths.
 */
export async function inFolder<T>(cwd: string | undefined, work: () => Promise<T>): Promise<T> {
  if (cwd === undefined) return work()
  while (running > 0 && folder !== cwd) await new Promise<void>(resolve => waiting.push(resolve))
  running++
  folder = cwd
  process.chdir(cwd)
  try {
    return await work()
  } finally {
    running--
    if (running === 0) process.chdir(ROOT)
    for (const resume of waiting.splice(0)) resume()
  }
}
