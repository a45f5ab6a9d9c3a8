import type { SourceType } from '../source-type.ts'
import { mysql } from './mysql.ts'

export const mariadb: SourceType = { ...mysql, name: 'mariadb', family: mysql.name, label: 'MariaDB' }
