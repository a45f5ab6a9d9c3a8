import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../support/run.ts'
import { createSite, ON_EMBEDDED, type Person, type Site } from '../../support/site.ts'
import { unique } from './data-sources.ts'

let site: Site

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

describe('list', () => {
  let organization: { id: string; name: string }
  let viewer: Person
  const names = Array.from({ length: 30 }, (_, index) => `Source ${String(index).padStart(2, '0')}`)
  const list = async (...args: string[]) => {
    const result = await site.dsctl(['list', ...args, '-o', 'name'], { env: viewer.env, home: temporaryFolder() })
    expect(result.code, result.stderr).toBe(0)
    return result.stdout.split('\n').filter(Boolean)
  }

  beforeAll(async () => {
    const name = unique('Lister')
    organization = { id: await site.addOrganization(name), name }
    // The embedded profile has only one user.
    viewer = ON_EMBEDDED
      ? { ...site.admin, env: { ...site.env, DSCTL_ORG: name } }
      : await site.addPerson({ email: `${randomUUID()}@example.com` })
    await site.addMember(viewer.id, organization.id, { role: 'viewer' })
  })

  test('prints an empty array and exits 0 if there are no data sources', async () => {
    const options = { env: viewer.env, home: temporaryFolder() }
    expect(await site.dsctl(['list', '-o', 'json'], options)).toEqual({
      code: 0,
      signal: null,
      stdout: '[]\n',
      stderr: '',
    })
    const table = await site.dsctl(['list'], options)
    expect(table).toEqual({ code: 0, signal: null, stdout: '', stderr: 'No data sources.\n' })
  })

  test('shows the latest changes first, 25 per page, and mentions further pages', async () => {
    for (const [index, name] of names.entries()) {
      const type = index % 3 === 0 ? 'snowflake' : 'postgres'
      const id = await site.addDataSource({
        name,
        type,
        env: index < 5 ? 'prod' : 'dev',
        organizationId: organization.id,
      })
      // Three share each time, so that the ID decides.
      const changed = `2024-01-01T00:00:${String(Math.floor(index / 3)).padStart(2, '0')}Z`
      await site.database.query('UPDATE data_sources SET updated_at = $1 WHERE id = $2', [changed, id])
    }
    const order = await site.database.query(
      'SELECT name FROM data_sources WHERE organization_id = $1 ORDER BY updated_at DESC, id',
      [organization.id],
    )
    const all = order.map(({ name }) => name)
    expect(await list()).toEqual(all.slice(0, 25))
    expect(await list('--page', '0')).toEqual(all.slice(0, 25))
    expect(await list('--page', '1')).toEqual(all.slice(25))
    expect(await list('--page', '2')).toEqual([])
    expect(await list('--page', '2', '--page-size', '7')).toEqual(all.slice(14, 21))
    expect(await list('--all')).toEqual(all)
    expect(await list('--all', '--page-size', '4')).toEqual(all)
    const first = await site.dsctl(['ls'], { env: viewer.env, home: temporaryFolder() })
    expect(first.stderr).toBe('There are more. Pass --page 1 or --all.\n')
    expect(first.stdout.split('\n')).toHaveLength(27)
    const past = await site.dsctl(['ls', '--page', '9'], { env: viewer.env, home: temporaryFolder() })
    expect(past).toMatchObject({ code: 0, stderr: 'No data sources on page 9. The first page is 0.\n' })
  })

  test('filters by type, env, status and part of the name', async () => {
    await site.database.query(
      `UPDATE data_sources SET onboarding_status = 'completed' WHERE organization_id = $1 AND name < 'Source 03'`,
      [organization.id],
    )
    const sorted = async (...args: string[]) => (await list('--all', ...args)).sort()
    expect(await sorted('--type', 'snowflake')).toEqual(names.filter((_, index) => index % 3 === 0))
    expect(await sorted('--env', 'prod')).toEqual(names.slice(0, 5))
    expect(await sorted('--status', 'completed')).toEqual(names.slice(0, 3))
    expect(await sorted('--search', 'CE 1')).toEqual(names.slice(10, 20))
    expect(await sorted('--search', '%')).toEqual([])
    expect(await sorted('--search', '_')).toEqual([])
    expect(await sorted('--env', 'prod', '--type', 'postgres', '--status', 'notStarted')).toEqual(['Source 04'])
    expect(await sorted('--env', 'nowhere')).toEqual([])
  })

  test('omits deleted data sources', async () => {
    await site.database.query(`UPDATE data_sources SET deleted_at = now() WHERE organization_id = $1 AND name = $2`, [
      organization.id,
      'Source 29',
    ])
    expect(await list('--all')).toHaveLength(29)
    expect(await list('--search', '29')).toEqual([])
  })
})
