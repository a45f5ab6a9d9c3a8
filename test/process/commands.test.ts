import { afterAll, beforeAll, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { folderWith } from '../support/requests.ts'
import { createSite, type Site } from '../support/site.ts'

// The built program runs every command once. Other tests run the source in their own process.

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
  const args = line.replace('FILES', files).split(' ')
  const stdin = line.startsWith('login') ? await site.vault.createToken({ ttl: '1m' }) : undefined
  const env = /^log/.test(line) ? { VAULT_TOKEN: undefined } : {}
  const result = await site.spawnDsctl(args, { stdin, env }).result
  expect(result, result.stderr).toMatchObject({ code, signal: null })
  expect(result.stdout + result.stderr).not.toBe('')
})
