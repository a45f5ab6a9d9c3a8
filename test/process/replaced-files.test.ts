import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json, spawnNode, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// npm replaces the installed files while a command runs. Each test uses a copy of the program and removes its files.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
let site: Site
let proxied: ProxiedSite
beforeAll(async () => {
  site = await createSite()
  proxied = await proxySite(site)
})
afterEach(() => proxied.restore())
afterAll(async () => {
  proxied?.close()
  await site?.drop()
})

function install(): { bin: string; remove(): void } {
  const folder = temporaryFolder()
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), join(folder, part), { recursive: true })
  return { bin: join(folder, 'bin/dsctl.js'), remove: () => rmSync(join(folder, 'dist'), { recursive: true }) }
}

/** Removes the files when Vault gets the first such request. Returns whether that has happened. */
function removeAt(request: RegExp, remove: () => void): () => boolean {
  let removed = false
  proxied.vault.at(request, {
    before: () => {
      if (!removed) remove()
      removed = true
      return undefined
    },
  })
  return () => removed
}

const SECRET_WRITE = /^(POST|PUT) .*data\//
const REQUEST = { env: 'dev', type: 'postgres', ...plainFields }
const PLAIN = /^dsctl: dsctl was upgraded or removed while this command ran\.\nRun it again\./

describe('If the installed files are removed while a command runs', () => {
  test.each([
    ['test', ['test', '-f', '-']],
    ['create', ['create', 'Early', '-f', '-', '--verify']],
  ])('it ends with a plain message before anything is written: %s', async (_, args) => {
    const { bin, remove } = install()
    removeAt(/lookup-self/, remove)
    const stdin = JSON.stringify({ name: 'Early', ...REQUEST })
    const result = await spawnNode([bin, ...args], { env: proxied.env, stdin }).result
    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(PLAIN) })
    expect(json(await site.dsctl(['list', '-o', 'json']))).toEqual([])
  })

  test.each(['table', 'json', 'yaml', 'id'])('a change that has begun is completed and printed: %s', async format => {
    const { bin, remove } = install()
    const removed = removeAt(SECRET_WRITE, remove)
    const args = [bin, 'create', `Created ${format}`, '-f', '-', '-o', format]
    const env = { ...proxied.env, FORCE_COLOR: '1' }
    const result = await spawnNode(args, { env, stdin: JSON.stringify(REQUEST) }).result
    expect(removed()).toBe(true)
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).not.toBe('')
  })

  test('a batch that has begun is completed and printed', async () => {
    const { bin, remove } = install()
    const removed = removeAt(SECRET_WRITE, remove)
    const stdin = JSON.stringify(['One', 'Two', 'Three'].map(name => ({ name, ...REQUEST })))
    const result = await spawnNode([bin, 'apply', '-f', '-'], { env: proxied.env, stdin }).result
    expect(removed()).toBe(true)
    expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/(created[\s\S]*){3}/) })
  })

  test.each([
    ['help.txt', '--help'],
    ['run.js', 'list'],
  ])('it ends with a plain message even if the command has only started: %s', async (file, command) => {
    const { bin } = install()
    rmSync(join(bin, '../../dist', file))
    const result = await spawnNode([bin, command], { env: site.env }).result
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(PLAIN) })
  })

  test('a change that fails is rolled back', async () => {
    const { bin, remove } = install()
    proxied.vault.at(SECRET_WRITE, {
      before: () => {
        remove()
        return { status: 403, body: { errors: ['permission denied'] } }
      },
    })
    const stdin = JSON.stringify(REQUEST)
    const result = await spawnNode([bin, 'create', 'Refused', '-f', '-'], { env: proxied.env, stdin }).result
    expect(result).toMatchObject({ code: 4, stderr: expect.stringContaining('Vault does not allow this token') })
    const rows = await site.database.query("SELECT state FROM dsctl.pending_operations WHERE state <> 'closed'")
    expect(rows).toEqual([])
    expect(readdirSync(join(bin, '../..'))).not.toContain('dist')
  })
})
