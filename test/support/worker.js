// Runs command lines for its parent process. The message { id, run: { args, env, version, stdin } } starts one;
// { id, ended: { code, stdout, stderr } } reports its end. If the parent sets their --timeout, it also controls time: waits
// between retries end at once, and deadlines expire at the message { expire: true }. So runs are fast and repeatable.
import { Readable, Writable } from 'node:stream'

const [, , program, timeout] = process.argv
const expire = timeout ? takeTime(Number(timeout)) : () => {}
const { run } = await import(program)

process.on('message', message => {
  if (message.expire) expire()
  else start(message)
})
// The parent has exited.
process.on('disconnect', () => process.exit())
process.send({ ready: true })

async function start({ id, run: { args, env, version, stdin } }) {
  const stdout = collector()
  const stderr = collector()
  const exit = code => {
    throw new Error(`it wanted to end the process with ${code}`)
  }
  const argv = ['node', 'dsctl', ...args]
  const host = {
    argv,
    env,
    stdin: Readable.from(stdin === undefined ? [] : [stdin]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    on() {},
    exit,
  }
  const code = await run(host, version)
  process.send({ id, ended: { code, stdout: stdout.text(), stderr: stderr.text() } })
}

function collector() {
  const chunks = []
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}

/** Treats timers as long as the timeout as deadlines, and shorter ones as waits. Returns a function that ends them. */
function takeTime(timeout) {
  /** Waits count as this many times their length. Otherwise a command would retry a hundred times before its timeout. */
  const pace = 20
  const wait = globalThis.setTimeout
  const forget = globalThis.clearTimeout
  const deadlines = new Set()
  let now = 0
  performance.now = () => now
  globalThis.setTimeout = (run, ms = 0, ...args) => {
    if (ms < timeout / pace) {
      const after = () => {
        now += ms * pace
        run(...args)
      }
      return wait(after, 0)
    }
    const deadline = { due: now + ms, ms, run: () => run(...args), unref: () => deadline, ref: () => deadline }
    deadlines.add(deadline)
    return deadline
  }
  globalThis.clearTimeout = timer => {
    if (!deadlines.delete(timer)) forget(timer)
  }
  return () => {
    const inOrder = [...deadlines].sort((a, b) => a.due - b.due)
    const end = inOrder.findLast(({ ms }) => ms >= timeout - 1)
    if (!end) return
    now = Math.max(now, end.due)
    for (const deadline of inOrder.filter(({ due }) => due <= now)) if (deadlines.delete(deadline)) deadline.run()
  }
}
