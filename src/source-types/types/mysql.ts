import {
  defaultDatabase,
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

export const mysql: SourceType = {
  name: 'mysql',
  label: 'MySQL',
  driver: 'mysql2',
  fields: {
    host: serverHost,
    port: { ...port, default: 3306 },
    username,
    password,
    default_database: defaultDatabase,
    ...sshFields,
    ...tlsFields,
    ...poolFields,
  },
  rules: sshRules,
}
