import type { SourceType } from '../define.ts'
import { defaultDatabase, host, password, pool, port, ssh, sshRules, tls, username } from '../groups.ts'

export const mysql: SourceType = {
  name: 'mysql',
  label: 'MySQL',
  driver: 'mysql2',
  fields: {
    host,
    port: { ...port, default: 3306 },
    username,
    password,
    default_database: defaultDatabase,
    ...ssh,
    ...tls,
    ...pool,
  },
  rules: sshRules,
}
