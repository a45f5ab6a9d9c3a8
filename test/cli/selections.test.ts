import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonError, type RunResult, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// What dsctl says if a selection matches nothing, and if the settings restrict it to one env.

let site: Site
const home = temporaryFolder()
const run = (args: readonly string[], env = {}): Promise<RunResult> =>
  site.dsctl(args, { home, env: { DSCTL_ORG: 'Acme', ...env } })

beforeAll(async () => {
  site = await createSite()
  await site.addDataSource({ name: 'Sales', env: 'dev' })
  await site.addDataSource({ name: 'Sales', env: 'staging' })
  await site.addDataSource({ name: 'Orders', env: 'staging', type: 'mysql' })
})
afterAll(() => site?.drop())

describe('A selection that matches nothing', () => {
  const ENVS = 'Envs with data sources: dev, staging.'

  test.each([
    [['list', '--env', 'prod'], `No data sources in env prod. ${ENVS}\n`],
    [['list', '--env', 'prod', '--all'], `No data sources in env prod. ${ENVS}\n`],
    [
      ['list', '--env', 'prod', '--env', 'dev', '--type', 'snowflake'],
      `No data sources of type snowflake in env prod or dev. ${ENVS}\n`,
    ],
    [
      ['list', '--env', 'dev', '--type', 'mysql', '--status', 'failed'],
      'No data sources of type mysql in env dev with status failed.\n',
    ],
    [['list', '--search', 'x'], 'No data sources whose name contains x.\n'],
    [
      ['list', '--all', '--type', 'mysql,snowflake', '--search', 'Sales'],
      'No data sources of type mysql or snowflake whose name contains Sales.\n',
    ],
    [['export', '--env', 'prod'], `Nothing to export. No data sources in env prod. ${ENVS}\n`],
    [['export', '--type', 'snowflake'], 'Nothing to export. No data sources of type snowflake.\n'],
  ])('is explained by %j', async (args, text) => {
    expect(await run(args)).toMatchObject({ code: 0, stdout: '', stderr: text })
    expect(await run([...args, '-q'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await run([...args, '-o', 'json'])).toMatchObject({ code: 0, stdout: '[]\n' })
  })

  test.each([
    [['test', '--all', '--env', 'prod'], 'No data sources in env prod.', ENVS],
    [['test', '--type', 'snowflake'], 'No data sources of type snowflake.', undefined],
    [['test', '--type', 'mysql', '--env', 'dev'], 'No data sources of type mysql in env dev.', undefined],
  ])('fails %j with exit 5', async (args, message, hint) => {
    const result = await run([...args, '-o', 'json'])
    expect(result).toMatchObject({ code: 5, stdout: '' })
    expect(jsonError(result)).toEqual({ code: 'not_found', status: 404, exit_code: 5, message, hint })
    const text = [`dsctl: ${message}`, ...(hint ? [hint] : []), ''].join('\n')
    expect(await run(args)).toMatchObject({ code: 5, stdout: '', stderr: text })
  })

  test('differs from one whose data sources are all left out of an export', async () => {
    const { code, stdout, stderr } = await run(['export', '--type', 'mysql'])
    expect({ code, stdout }).toEqual({ code: 8, stdout: '' })
    expect(stderr).toMatch(/^dsctl: warning: Orders \(staging\) .*\nNothing to export\.\n/)
  })

  test('in an organization without data sources says that no env has any', async () => {
    await site.addMember(site.admin.id, await site.addOrganization('Empty'), { role: 'data_admin' })
    const empty = (...args: string[]) => run([...args, '--org', 'Empty'])
    expect((await empty('list', '--env', 'dev')).stderr).toBe(
      'No data sources in env dev. There are no data sources in any env.\n',
    )
    expect((await empty('list')).stderr).toBe('No data sources.\n')
    expect(await empty('test', '--all')).toMatchObject({ code: 5, stderr: 'dsctl: No data sources.\n' })
  })

  test('lists at most 20 envs', async () => {
    const organizationId = await site.addOrganization('Many')
    await site.addMember(site.admin.id, organizationId, { role: 'data_admin' })
    for (let n = 10; n < 32; n++) await site.addDataSource({ name: 'x', env: `env${n}`, organizationId })
    const { stderr } = await run(['list', '--org', 'Many', '--env', 'dev'])
    expect(stderr).toMatch(/^No data sources in env dev\. Envs with data sources: env10, .*, env29 and 2 more\.\n$/)
  })
})

describe('The env of the settings', () => {
  const DEV = { DSCTL_ENV: 'dev' }
  const NOTE = 'Only env dev, because of environment DSCTL_ENV. Pass --env for other envs.\n'

  test.each([
    [['list']],
    [['list', '--all']],
    [['list', '-o', 'id']],
    [['export']],
    [['test', '--all']],
    [['test', '--type', 'postgres']],
  ])('is mentioned by %j', async args => {
    expect((await run(args, DEV)).stderr).toContain(NOTE)
    expect((await run([...args, '-q'], DEV)).stderr).not.toContain('Only env')
    expect((await run([...args, '--env', 'dev'], DEV)).stderr).not.toContain('Only env')
    expect((await run(args)).stderr).not.toContain('Only env')
    for (const format of ['json', 'yaml']) {
      expect((await run([...args, '-o', format], DEV)).stderr).not.toContain('Only env')
    }
  })

  test('is named with its profile', async () => {
    expect((await site.dsctl(['config', 'set', 'env', 'prod'])).code).toBe(0)
    const { stderr } = await site.dsctl(['list'], { env: { DSCTL_ORG: 'Acme' } })
    expect(stderr).toBe(
      'No data sources in env prod. Envs with data sources: dev, staging.\n' +
        'Only env prod, because of profile default. Pass --env for other envs.\n',
    )
    expect((await site.dsctl(['config', 'unset', 'env'])).code).toBe(0)
  })

  test('is mentioned if it hides the name of a REF', async () => {
    const prod = { DSCTL_ENV: 'prod' }
    const hint = (envs: string) => `Only env prod was searched, because of environment DSCTL_ENV. Pass ${envs}.\n`
    for (const args of [
      ['get', 'Orders'],
      ['delete', 'Orders', '--yes'],
      ['update', 'Orders', '--port', '1'],
      ['test', 'Orders'],
    ]) {
      const result = await run(args, prod)
      expect(result).toMatchObject({
        code: 5,
        stderr: `dsctl: There is no data source Orders.\n${hint('--env staging')}`,
      })
    }
    expect((await run(['get', 'Sales'], prod)).stderr).toMatch(
      /Pass --env (dev or --env staging|staging or --env dev)\.\n$/,
    )
    expect((await run(['get', 'Orderz'], prod)).stderr).toContain('Did you mean Orders (env staging)?')
  })
})
