import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { serviceAccount } from '../../unit/source-types/samples.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const BASES: Readonly<Record<string, object>> = {
  postgres: plainFields,
  mysql: plainFields,
  sqlserver: plainFields,
  snowflake: { account_id: 'a', warehouse_id: 'W', username: 'u', password: 'x', default_database: 'D' },
  databricks: { host: 'h', api_key: 'x', warehouse_id: 'w', default_catalog: 'main' },
  bigquery: { service_account_key: serviceAccount, default_dataset: 'd' },
}
const create = (type: string, fields: object, name = 'Never') => {
  const stdin = JSON.stringify({ name, env: 'dev', type, ...BASES[type], ...fields })
  return site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
}

describe('Another notation is refused with what was meant:', () => {
  test.each([
    ['snowflake', 'account_id', 'https://myorg-acct1.snowflakecomputing.com', 'myorg-acct1', ''],
    ['snowflake', 'account_id', 'xy12345.us-east-1.snowflakecomputing.com:443', 'xy12345.us-east-1', ''],
    ['snowflake', 'account_id', 'https://x.privatelink.snowflakecomputing.com/console', 'x.privatelink', ''],
    ['snowflake', 'account_id', 'jdbc:snowflake://o-a.snowflakecomputing.com/?db=x', 'o-a', ''],
    ['snowflake', 'account_id', 'https://app.snowflake.com/myorg/acct1/#/homepage', 'myorg-acct1', ''],
    ['snowflake', 'account_id', 'https://app.snowflake.com/us-east-1/xy12345/w', 'xy12345.us-east-1', ''],
    ['snowflake', 'custom_host', 'https://sf.example.com:8443/', 'sf.example.com:8443', ''],
    ['databricks', 'warehouse_id', '/sql/1.0/warehouses/475b94ddc7cd5211', '475b94ddc7cd5211', ''],
    ['databricks', 'warehouse_id', 'sql/1.0/endpoints/475b94ddc7cd5211', '475b94ddc7cd5211', ''],
    ['databricks', 'warehouse_id', 'https://x.cloud.databricks.com/sql/warehouses/475b?o=1', '475b', ''],
    [
      'databricks',
      'warehouse_id',
      'jdbc:databricks://x:443/default;httpPath=/sql/1.0/warehouses/475b;ssl=1',
      '475b',
      '',
    ],
    ['databricks', 'host', 'https://x.cloud.databricks.com/?o=1', 'x.cloud.databricks.com', ''],
    ['postgres', 'host', 'db.example.com:5433', 'db.example.com', ' Set port to 5433.'],
    ['postgres', 'host', '[2001:db8::1]:5433', '2001:db8::1', ' Set port to 5433.'],
    ['postgres', 'jump_host', 'jump.example.com:2222', 'jump.example.com', ' Set ssh_port to 2222.'],
    ['sqlserver', 'host', 'db.example.com,1434', 'db.example.com', ' Set port to 1434.'],
    ['sqlserver', 'host', 'tcp:db.example.com,1434', 'db.example.com', ' Set port to 1434.'],
    ['sqlserver', 'host', 'db.example.com\\SQLEXPRESS', 'db.example.com', ' Set instance to SQLEXPRESS.'],
    ['sqlserver', 'username', 'CORP\\app', 'app', ''],
    ['bigquery', 'default_dataset', 'demo-project:sales', 'sales', ''],
    ['bigquery', 'default_dataset', 'demo-project.sales', 'sales', ''],
    ['bigquery', 'project_id', 'projects/demo-project', 'demo-project', ''],
    ['bigquery', 'project_id', 'demo-project:sales', 'demo-project', ''],
    ['mysql', 'ssl_mode', 'VERIFY_IDENTITY', 'verify-full', ''],
    ['mysql', 'ssl_mode', 'PREFERRED', 'prefer', ''],
  ])('%s %s %s', async (type, field, value, meant, more) => {
    const found = jsonError(await create(type, { [field]: value })).fields?.filter(problem => problem.field === field)
    expect(found).toEqual([{ field, message: expect.stringMatching(/^must be /) }])
    expect(found?.[0]?.message).toContain(`did you mean "${meant}"?${more}`)
    expect(found?.[0]?.message.endsWith(`"?${more}`)).toBe(true)
  })

  test('or without, if nobody can tell', async () => {
    for (const [type, field, value, message] of [
      ['snowflake', 'account_id', 'https://x.example.com', 'must be an account identifier without scheme and domain'],
      [
        'databricks',
        'warehouse_id',
        'sql/protocolv1/o/0/0123-456789-abc',
        'must be the ID of a SQL warehouse, not its path',
      ],
    ] as const) {
      expect(jsonError(await create(type, { [field]: value })).fields).toEqual([{ field, message }])
    }
  })
})

test.each(['sf.example.com', 'sf.example.com:8443', '10.0.0.1:443', '[::1]:8443', '::1'])(
  'custom_host may be %s',
  async custom_host => {
    const created = await create('snowflake', { custom_host }, `Host ${custom_host}`)
    expect(json(created).credentials.custom_host).toBe(custom_host)
  },
)

test.each([
  ['snowflake', { account_id: 'xy12345.us-east-1.privatelink', warehouse_id: 'My Warehouse' }],
  ['bigquery', { project_id: 'example.com:my-project', default_dataset: 'sales_2024' }],
  ['databricks', { warehouse_id: 'wh-acme' }],
])('Usual values of %s are accepted', async (type, fields) => {
  expect(await create(type, fields, `Usual ${type}`)).toMatchObject({ code: 0 })
})
