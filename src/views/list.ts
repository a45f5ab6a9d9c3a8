import type { ListedDataSource } from '../domain/data-source.ts'
import type { Column } from '../terminal/view.ts'

/** A data source as `list` prints it. */
export type ListItem = ReturnType<typeof listItem>

export function listItem({ id, name, type, env, onboardingStatus, updatedAt }: ListedDataSource) {
  return { id, name, type, updated_at: updatedAt, env, onboarding_status: onboardingStatus }
}

/** The columns of `list`, and of `get` with several data sources. */
export const LIST_COLUMNS: readonly Column<ListItem>[] = [
  { title: 'NAME', value: item => item.name },
  { title: 'TYPE', value: item => item.type, fixed: true },
  { title: 'ENV', value: item => item.env },
  { title: 'ONBOARDING', value: item => item.onboarding_status, fixed: true },
  { title: 'UPDATED', value: item => ({ time: item.updated_at }), fixed: true },
  { title: 'ID', value: item => item.id, fixed: true, dropWhenNarrow: true },
]
