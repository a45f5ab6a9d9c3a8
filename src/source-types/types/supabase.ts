import type { SourceType } from '../define.ts'
import { postgres } from './postgres.ts'

export const supabase: SourceType = { ...postgres, name: 'supabase', label: 'Supabase' }
