import type { SourceType } from '../define.ts'
import { defaultDatabase, defaultSchema, host, password, pool, port, ssh, sshRules, tls, username } from '../groups.ts'

export const postgres: SourceType = {
  name: 'postgres',
  label: 'PostgreSQL',
  driver: 'pg',
  fields: {
    host,
    port: { ...port, default: 5432 },
    username,
    password,
    default_database: defaultDatabase,
    default_schema: defaultSchema,
    ...ssh,
    ...tls,
    ...pool,
  },
  rules: sshRules,
}
