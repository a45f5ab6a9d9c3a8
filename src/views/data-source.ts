import type { DataSource } from '../domain/data-source.ts'
import type { Credentials } from '../domain/secret.ts'
import type { WithCredentials } from '../operations/credentials.ts'
import { findSourceType } from '../source-types/index.ts'
import { outputName, redactCredentials } from '../source-types/redact.ts'
import type { Cell } from '../terminal/cell.ts'
import type { ListView, RecordView } from '../terminal/view.ts'
import { LIST_COLUMNS, type ListItem, listItem } from './list.ts'

/** The output of create, get and update, with secrets redacted. Scripts depend on its JSON. */
export function dataSourceView({ record, credentials }: WithCredentials): RecordView {
  const shown = credentials && shownCredentials(record, credentials)
  return { kind: 'record', data: document(record, shown), rows: rows(record, shown) }
}

/** The output of get with several data sources: full documents, or a table with one line each. */
export function dataSourcesView(found: readonly WithCredentials[]): ListView<ListItem> {
  return {
    kind: 'list',
    data: found.map(({ record }) => listItem(record)),
    document: found.map(each => dataSourceView(each).data),
    columns: LIST_COLUMNS,
    empty: 'No data sources found.',
  }
}

type Shown = ReturnType<typeof redactCredentials>

// If the type is unknown, so is which of its fields are safe to print.
function shownCredentials({ type }: DataSource, credentials: Credentials): Shown {
  const known = findSourceType(type)
  return known ? redactCredentials(known, credentials) : {}
}

function document(record: DataSource, credentials: Shown | null): object {
  return {
    id: record.id,
    name: record.name,
    db_type: record.type,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    created_by: record.createdBy,
    credentials,
    data_sets: record.dataSets,
    env: record.env,
    onboarding_status: record.onboardingStatus,
    onboarding_error: record.onboardingError,
  }
}

function rows(record: DataSource, credentials: Shown | null): [string, Cell][] {
  const type = findSourceType(record.type)
  const fields = Object.entries(type?.fields ?? {}).map(([name, field]): [string, Cell] => {
    const value = credentials?.[outputName(name, field)]
    return [field.label, Array.isArray(value) ? value.join(', ') : value]
  })
  return [
    ['ID', record.id],
    ['Name', record.name],
    ['Type', type?.label ?? record.type],
    ['Env', record.env],
    ...fields,
    ['Data sets', record.dataSets.length ? record.dataSets.map(({ name }) => name).join(', ') : undefined],
    ['Onboarding', record.onboardingStatus],
    ['Onboarding error', record.onboardingError ?? undefined],
    ['Created', { time: record.createdAt }],
    ['Created by', record.createdBy?.email],
    ['Updated', { time: record.updatedAt }],
  ]
}
