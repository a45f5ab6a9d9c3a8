import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { listen } from '../support/listen.ts'
import { folderWith } from '../support/requests.ts'
import { createSite, type Site } from '../support/site.ts'

// The built program runs every command once, with -o json: then the helper checks that stderr is empty or one document.
// Other tests run the source in their own process.

let site: Site
let files: string
beforeAll(async () => {
  site = await createSite(['members'])
  files = folderWith({ 'sales.json': JSON.stringify(request('Sales')), 'batch.json': JSON.stringify([request('Ops')]) })
})
afterAll(() => site?.drop())

const request = (name: string) => ({ name, env: 'dev', type: 'postgres', ...plainFields, host: '127.0.0.1', port: 1 })

test.each([
  ['create -f FILES/sales.json', 0],
  ['list', 0],
  ['get Sales', 0],
  ['update Sales --port 2', 0],
  ['test Sales --timeout 1', 8],
  ['onboarding Sales inProgress', 0],
  ['diff -f FILES/batch.json', 9],
  ['apply -f FILES/batch.json', 0],
  ['export', 0],
  ['template set Common --type postgres --host db.example.com', 0],
  ['types postgres', 0],
  ['init --check', 0],
  ['doctor', 0],
  ['whoami', 0],
  ['member list', 0],
  ['audit', 0],
  ['delete Sales --yes', 0],
  ['config list', 0],
  ['completion bash', 0],
  ['help exit-codes', 0],
  ['login --token -', 0],
  ['logout', 0],
] as const)('dsctl %s exits with %i', async (line, code) => {
  const args = [...line.replace('FILES', files).split(' '), '-o', 'json']
  const stdin = line.startsWith('login') ? await site.vault.createToken({ ttl: '1m' }) : undefined
  const env = { NODE_OPTIONS: '--throw-deprecation', ...(line.startsWith('log') && { VAULT_TOKEN: undefined }) }
  const result = await site.spawnDsctl(args, { stdin, env }).result
  expect(result, result.stderr).toMatchObject({ code, signal: null })
  expect(result.stdout + result.stderr).not.toBe('')
})

describe('Standard error with -o json', () => {
  const LIBRARY = `data:text/javascript,setImmediate(() => {
    process.emitWarning('library canary');
    process.emitWarning('library canary', 'DeprecationWarning');
    for (const name of ['debug', 'error', 'info', 'log', 'trace', 'warn']) console[name]('library canary')
  })`

  test('has no warning of Node or of a library', async () => {
    for (const more of ['', '--throw-deprecation', '--trace-warnings --pending-deprecation']) {
      const env = { NODE_OPTIONS: `${more} --import "${LIBRARY.replaceAll(/\s+/g, ' ')}"` }
      const result = await site.spawnDsctl(['list', '-o', 'json'], { env }).result
      expect(result).toMatchObject({ code: 0, stderr: '' })
      expect(result.stdout).not.toContain('canary')
    }
  })

  test('has the warnings of dsctl and the error in one document', async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    const result = await site.spawnDsctl(['get', 'Nothing', '-v', '-o', 'json'], { env }).result
    expect(JSON.parse(result.stderr)).toEqual({
      error: expect.objectContaining({ code: 'not_found', exit_code: 5 }),
      warnings: ['NODE_TLS_REJECT_UNAUTHORIZED is 0, so the certificates of servers are not verified. Unset it.'],
      calls: expect.arrayContaining([expect.stringMatching(/^vault GET .* ms$/)]),
    })
  })

  test('has the warnings of a command that is stopped by a second signal', async () => {
    const hanging = createServer(socket => socket.resume())
    const port = await listen(hanging)
    const env = { VAULT_ADDR: `http://127.0.0.1:${port}`, NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    const running = site.spawnDsctl(['list', '-o', 'json'], { env })
    await new Promise(resolve => hanging.once('connection', resolve))
    running.child.kill('SIGTERM')
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.result
    expect(code).toBe(143)
    expect(JSON.parse(stderr).warnings).toHaveLength(1)
    hanging.close()
  })
})
