// Runs many command lines in one process, since a matrix of them would else take minutes: the program as it is built,
// with streams of its own. One JSON document a line comes in ({ args, env }) and goes out ({ code, stdout, stderr }).
import { createInterface } from 'node:readline'
import { Readable, Writable } from 'node:stream'
import { run } from '../../dist/run.js'

const lines = []
for await (const line of createInterface({ input: process.stdin })) lines.push(JSON.parse(line))
const results = []
await Promise.all(Array.from({ length: 4 }, work))
process.stdout.write(results.map(result => `${JSON.stringify(result)}\n`).join(''))

async function work() {
  for (let at = results.length; at < lines.length; at = results.length) {
    results[at] = undefined
    results[at] = await runOne(lines[at])
  }
}

async function runOne({ args, env }) {
  const stdout = collector()
  const stderr = collector()
  const exit = code => {
    throw new Error(`it wanted to end the process with ${code}`)
  }
  const argv = ['node', 'dsctl', ...args]
  const host = { argv, env, stdin: Readable.from([]), stdout: stdout.stream, stderr: stderr.stream, on() {}, exit }
  const code = await run(host, '0.0.0')
  return { code, stdout: stdout.text(), stderr: stderr.text() }
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
