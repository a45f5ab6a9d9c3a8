import type { SourceType } from '../source-type.ts'
import { postgres } from './postgres.ts'

export const supabase: SourceType = { ...postgres, name: 'supabase', family: postgres.name, label: 'Supabase' }
