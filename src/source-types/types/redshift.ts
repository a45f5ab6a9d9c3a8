import type { SourceType } from '../define.ts'
import { defaultDatabase, defaultSchema, host, password, pool, port, tls, username } from '../groups.ts'

export const redshift: SourceType = {
  name: 'redshift',
  label: 'Amazon Redshift',
  driver: 'pg',
  fields: {
    host,
    port: { ...port, default: 5439 },
    username,
    password,
    default_database: defaultDatabase,
    default_schema: defaultSchema,
    ...tls,
    ...pool,
  },
  rules: [],
}
