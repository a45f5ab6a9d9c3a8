import {
  defaultDatabase,
  defaultSchema,
  password,
  poolFields,
  port,
  serverHost,
  tlsFields,
  username,
} from '../common-fields.ts'
import type { SourceType } from '../source-type.ts'

export const redshift: SourceType = {
  name: 'redshift',
  label: 'Amazon Redshift',
  driver: 'pg',
  fields: {
    host: serverHost,
    port: { ...port, default: 5439 },
    username,
    password,
    default_database: defaultDatabase,
    default_schema: defaultSchema,
    ...tlsFields,
    ...poolFields,
  },
  rules: [],
}
