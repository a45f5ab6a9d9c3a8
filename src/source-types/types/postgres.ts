import {
  defaultDatabase,
  defaultSchema,
  password,
  poolFields,
  port,
  serverHost,
  sshFields,
  sshRules,
  tlsFields,
  username,
} from '../common-fields.ts'
import type { SourceType } from '../source-type.ts'

export const postgres: SourceType = {
  name: 'postgres',
  label: 'PostgreSQL',
  driver: 'pg',
  fields: {
    host: serverHost,
    port: { ...port, default: 5432 },
    username,
    password,
    default_database: defaultDatabase,
    default_schema: defaultSchema,
    ...sshFields,
    ...tlsFields,
    ...poolFields,
  },
  rules: sshRules,
}
