import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { json, jsonError, spawnNode, temporaryFolder } from './run.ts'
import { openTerminal } from './terminal.ts'

const run = (script: string, options = {}) => spawnNode(['-e', script], options).result

test('a run has only PATH, a home and settings folder, and given variables', async () => {
  const { stdout } = await run('console.log(JSON.stringify(process.env))', { env: { GIVEN: 'x', LEFT_OUT: undefined } })
  const env = JSON.parse(stdout)
  expect(Object.keys(env).sort()).toEqual(['DSCTL_CONFIG_DIR', 'GIVEN', 'HOME', 'PATH'])
  expect(env.DSCTL_CONFIG_DIR.startsWith(`${env.HOME}/`)).toBe(true)
  expect(existsSync(env.HOME)).toBe(true)
})

test('standard input is empty by default', async () => {
  const script = 'process.stdout.write(require("fs").readFileSync(0))'
  expect(await run(script)).toMatchObject({ code: 0, stdout: '' })
  expect(await run(script, { stdin: 'some\ninput' })).toMatchObject({ code: 0, stdout: 'some\ninput' })
  expect(await run('', { stdin: 'not read\n'.repeat(100_000) })).toMatchObject({ code: 0 })
})

test('a run returns its exit code, its signal and both streams', async () => {
  const script = 'console.log("out"); console.error("err"); process.exitCode = 6'
  expect(await run(script)).toEqual({ code: 6, signal: null, stdout: 'out\n', stderr: 'err\n' })
  expect(await run('setInterval(() => {}, 1000)', { timeout: 200 })).toMatchObject({ code: null, signal: 'SIGKILL' })
})

test('JSON is parsed from either stream, and invalid JSON is shown', async () => {
  expect(json(await run('console.log("[1]")'))).toEqual([1])
  const error = await run(`console.error('{"error":{"code":"conflict"}}')`)
  expect(jsonError(error)).toEqual({ code: 'conflict' })
  const result = await run('console.log("oops")')
  expect(() => json(result)).toThrow('oops')
})

test('the program sees a terminal and receives typed text', async () => {
  const script = `
    const { createInterface } = require('readline/promises')
    const tty = [process.stdin, process.stdout, process.stderr].every(stream => stream.isTTY)
    const rl = createInterface(process.stdin, process.stdout)
    rl.question('\\x1b[1m' + tty + ' ' + process.stdout.columns + ' Name?\\x1b[0m ').then(name => {
      console.log('hello ' + name)
      process.exit(3)
    })`
  const screen = openTerminal(['-e', script], { columns: 72 })
  expect(await screen.waitFor('Name? ')).toBe('true 72 Name? ')
  screen.type('Ann\n')
  await screen.waitFor(/hello \w+/)
  expect(await screen.exit).toEqual({ code: 3, signal: undefined })
  expect(screen.raw()).toContain('\u001b[1m')
  await expect(screen.waitFor('never', 50)).rejects.toThrow('never did not appear')
})

test('Ctrl-C in a terminal interrupts the program, and a signal ends it', async () => {
  const waiting = () =>
    openTerminal(['-e', 'console.log("up"); setInterval(() => {}, 1000)'], { home: temporaryFolder() })
  const interrupted = waiting()
  await interrupted.waitFor('up')
  interrupted.press('ctrlC')
  expect((await interrupted.exit).signal).toBe(2)
  const killed = waiting()
  await killed.waitFor('up')
  killed.kill('SIGKILL')
  expect((await killed.exit).signal).toBe(9)
})
