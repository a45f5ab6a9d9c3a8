import type { SourceType } from '../define.ts'
import { mysql } from './mysql.ts'

export const mariadb: SourceType = { ...mysql, name: 'mariadb', label: 'MariaDB' }
