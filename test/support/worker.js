// Runs command lines in this process, as its parent says: { id, run: { args, env, version, stdin } } begins one, and
// when it ends that is answered { id, ended: { code, stdout, stderr } }. Where it is told what --timeout they have, time
// is the parent's too: a wait between two tries takes none, and a deadline is met when { expire: true } says so, so that
// nobody waits for anything and all can be repeated.
import { Readable, Writable } from 'node:stream'

const [, , program, timeout] = process.argv
const expire = timeout ? takeTime(Number(timeout)) : () => {}
const { run } = await import(program)

process.on('message', message => {
  if (message.expire) expire()
  else start(message)
})
// Nobody is left to tell.
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

/** Timers as long as the time-out are deadlines, shorter ones waits. Gives what lets those in hand be met. */
function takeTime(timeout) {
  /** A wait counts as so many times its length, or a command would try a hundred times before its time is up. */
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
