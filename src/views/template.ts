import type { Template } from '../ports/templates.ts'
import { findSourceType } from '../source-types/index.ts'
import { redactTemplateFields } from '../source-types/template-fields.ts'
import type { ListView, RecordView } from '../terminal/view.ts'

type Document = ReturnType<typeof document>

/** The output of `template list`. */
export function templatesView(templates: readonly Template[]): ListView<Document> {
  return {
    kind: 'list',
    data: templates.map(document),
    empty: 'No templates.',
    columns: [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'TYPE', value: ({ type }) => type, fixed: true },
      { title: 'FIELDS', value: ({ fields }) => Object.keys(fields).join(', '), wrap: true },
      { title: 'UPDATED', value: ({ updated_at }) => ({ time: updated_at }), fixed: true },
    ],
  }
}

/** The output of `template get` and `template set`. */
export function templateView(template: Template): RecordView {
  const data = document(template)
  const fields = Object.entries(data.fields).map(([name, value]) => [name, String(value)] as const)
  const rows = [['Name', data.name], ['Type', data.type], ...fields, ['Updated', { time: data.updated_at }]] as const
  return { kind: 'record', data, rows }
}

function document({ name, type, fields, createdAt, updatedAt }: Template) {
  const shown = redactTemplateFields(findSourceType(type), fields)
  return { name, type, fields: shown, created_at: createdAt, updated_at: updatedAt }
}
