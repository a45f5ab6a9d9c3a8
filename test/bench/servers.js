import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

/** Creates a database and a user on the test servers; undefined if none are configured. `own` distinguishes databases. */
export async function prepareServers(bin, own = '') {
  const { DSCTL_TEST_POSTGRES_URL: postgres, DSCTL_TEST_VAULT_ADDR: vault, DSCTL_TEST_VAULT_TOKEN: token } = process.env
  if (!postgres || !vault || !token) return undefined
  const name = `dsctl_bench_${process.pid}${own}`
  const admin = new pg.Client(postgres)
  await admin.connect()
  await admin.query(`create database ${name}`)
  const url = new URL(postgres)
  url.pathname = `/${name}`
  const home = mkdtempSync(join(tmpdir(), 'dsctl-bench-'))
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    DSCTL_DATABASE_URL: url.href,
    DSCTL_USER: 'bench@example.com',
    DSCTL_VAULT_MOUNT: 'secret',
    VAULT_ADDR: vault,
    VAULT_TOKEN: token,
    BENCH_PASSWORD: 'marker',
  }
  const { status, stderr } = spawnSync(
    process.execPath,
    [bin, 'init', '--org', 'Bench', '--admin', env.DSCTL_USER, '--yes'],
    { env },
  )
  if (status !== 0) throw new Error(String(stderr))
  const fields = [
    '--host',
    'db',
    '--username',
    'app',
    '--password',
    'env:BENCH_PASSWORD',
    '--default-database',
    'db',
    '-o',
    'json',
  ]
  return {
    env,
    url: url.href,
    home,
    create: () => [bin, 'create', randomUUID(), '--env', 'bench', '--type', 'postgres', ...fields],
    async drop() {
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
