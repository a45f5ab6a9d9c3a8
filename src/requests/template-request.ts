import { type FieldProblem, invalid, safeKey } from '../domain/errors.ts'
import { stringify } from '../lib/stringify.ts'
import type { NewTemplate, Template } from '../ports/templates.ts'
import { checkName } from '../source-types/check-name.ts'
import { findField } from '../source-types/field-names.ts'
import { findSourceType, getSourceType } from '../source-types/index.ts'
import { parseTemplateFields } from '../source-types/template-fields.ts'
import { readFieldOptions } from './read-field-options.ts'
import type { RequestDraft } from './validate-request.ts'

/**
 * Reads a template from the options of `template set`. Throws `invalid` with every problem, such as a secret field.
 */
export async function readTemplate(rawName: string, options: { readonly type: string }): Promise<NewTemplate> {
  const type = getSourceType(options.type)
  const name = checkName(rawName)
  const given = await readFieldOptions(options)
  const isSecret = ({ field }: FieldProblem) => findField(type, field)?.field.secret === true
  const secrets = Object.fromEntries(given.problems.filter(isSecret).map(({ field }) => [field, '']))
  const { fields, problems } = parseTemplateFields(type, { ...given.fields, ...secrets })
  const all = [
    ...('problem' in name ? [name.problem] : []),
    ...given.problems.filter(problem => !isSecret(problem)),
    ...problems,
  ]
  if (all.length) throw invalid('Invalid template.', all, `Run dsctl types ${type.name} to see the fields.`)
  return { name: 'value' in name ? name.value : '', type: type.name, fields }
}

/** The trimmed name of the template that a request refers to. Throws `invalid` if it is not a valid name. */
export function templateName(raw: unknown): string | undefined {
  if (raw === undefined) return undefined
  const problem = templateNameProblem(raw)
  if (problem) throw invalid('The data source cannot be created.', [problem])
  return stringify(raw).trim()
}

/** The problem with a value that is not a valid name of a template, otherwise undefined. */
export function templateNameProblem(raw: unknown): FieldProblem | undefined {
  const checked = checkName(raw)
  return 'problem' in checked ? { ...checked.problem, field: 'template' } : undefined
}

/** Adds the type and the fields of a template to a draft, whose own fields override them. Throws `invalid`. */
export function addTemplate(draft: RequestDraft, template: Template): RequestDraft {
  const problem = templateTypeProblem(draft.type, template)
  if (problem) throw invalid('The data source cannot be created.', [problem])
  return mergeTemplate(draft, template)
}

/** The problem if a template is for another type, otherwise undefined. */
export function templateTypeProblem(type: unknown, template: Template): FieldProblem | undefined {
  if (type === undefined || findSourceType(type)?.name === template.type) return undefined
  return { field: 'template', message: `${template.name} is for ${template.type}, not for ${safeKey(stringify(type))}` }
}

/** Like `addTemplate`, for a template whose type is known to match. */
export function mergeTemplate<D extends Pick<RequestDraft, 'type' | 'fields'>>(draft: D, template: Template): D {
  const type = getSourceType(template.type)
  const given = new Set(Object.keys(draft.fields).map(key => findField(type, key)?.name))
  const added = Object.entries(templateFields(template)).filter(([name]) => !given.has(name))
  return { ...draft, type: type.name, fields: { ...Object.fromEntries(added), ...draft.fields } }
}

/**
 * Throws `invalid` if a template holds a secret. That happens only if something other than dsctl wrote to its table.
 */
function templateFields({ name, type, fields }: Template): Readonly<Record<string, unknown>> {
  const { problems } = parseTemplateFields(getSourceType(type), fields)
  if (problems.length === 0) return fields
  throw invalid(`The template ${name} cannot be used.`, problems, `Correct it: dsctl template set "${name}" ...`)
}
