import { describeType, type FieldDescription } from '../source-types/describe.ts'
import type { SourceType } from '../source-types/source-type.ts'
import type { ListView } from '../terminal/view.ts'

/** The output of `types`. */
export function typesView(types: readonly SourceType[]): ListView<{ name: string; label: string }> {
  return {
    kind: 'list',
    data: types.map(({ name, label }) => ({ name, label })),
    empty: '',
    columns: [
      { title: 'TYPE', value: type => type.name },
      { title: 'LABEL', value: type => type.label },
    ],
  }
}

/** The output of `types TYPE`: the fields as a table, or the JSON Schema of a request. */
export function typeFieldsView(type: SourceType, schema: object): ListView<FieldDescription> {
  return {
    kind: 'list',
    data: describeType(type),
    document: schema,
    empty: '',
    blocks: true,
    columns: [
      { title: 'FIELD', value: row => row.field, fixed: true },
      { title: 'LABEL', value: row => row.label },
      { title: 'REQUIRED', value: row => row.required },
      { title: 'SECRET', value: row => (row.secret ? 'yes' : 'no'), fixed: true },
      { title: 'DEFAULT', value: row => row.default },
      { title: 'LIMITS', value: row => row.limits },
      { title: 'ALIASES', value: row => row.aliases.join(', ') },
    ],
  }
}
