import type { ListedMember } from '../ports/members.ts'
import type { ListView, RecordView } from '../terminal/view.ts'

/** The output of `member list`. */
export function membersView(members: readonly ListedMember[]): ListView<ListedMember> {
  const columns = ROWS.map(({ label, value, ...how }) => ({ title: label.toUpperCase(), value, ...how }))
  return { kind: 'list', data: members, columns, empty: 'No members.' }
}

/** The output of commands that change a member. */
export function memberView(member: ListedMember): RecordView {
  return { kind: 'record', data: member, rows: ROWS.map(({ label, value }) => [label, value(member)]) }
}

const ROWS = [
  { label: 'Email', value: ({ email }: ListedMember) => email },
  { label: 'Name', value: ({ name }: ListedMember) => name },
  { label: 'Role', value: ({ role }: ListedMember) => role, fixed: true },
  { label: 'Status', value: ({ status }: ListedMember) => status, fixed: true },
  { label: 'ID', value: ({ id }: ListedMember) => id, fixed: true, dropWhenNarrow: true },
]
