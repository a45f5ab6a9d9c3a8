import type { Context, Flags } from '../cli/context.ts'
import { type FieldProblem, invalid, safeKey } from '../domain/errors.ts'
import { stringify } from '../lib/stringify.ts'
import { MAY } from '../operations/authorize.ts'
import { fieldsOfTemplate, findTemplates, getTemplate } from '../operations/template.ts'
import type { LookupAudit } from '../ports/lookup.ts'
import type { NewTemplate, Template } from '../ports/templates.ts'
import { checkName } from '../source-types/check-name.ts'
import { findField } from '../source-types/field-names.ts'
import { findSourceType, getSourceType } from '../source-types/index.ts'
import { parseTemplateFields } from '../source-types/template-fields.ts'
import type { BatchDocument } from './batch-files.ts'
import type { Draft } from './draft.ts'
import { fieldsFromFlags } from './field-options.ts'

/** A template as flags say it. Throws `invalid` with every problem; a secret's flag is one, whatever it is given. */
export async function readTemplate(rawName: string, flags: Flags): Promise<NewTemplate> {
  const type = getSourceType(flags.type)
  const name = checkName(rawName)
  const given = await fieldsFromFlags(flags)
  const isSecret = ({ field }: FieldProblem) => findField(type, field)?.field.secret === true
  const refused = Object.fromEntries(given.problems.filter(isSecret).map(({ field }) => [field, '']))
  const { fields, problems } = parseTemplateFields(type, { ...given.fields, ...refused })
  const all = [
    ...('problem' in name ? [name.problem] : []),
    ...given.problems.filter(problem => !isSecret(problem)),
    ...problems,
  ]
  if (all.length) throw invalid('The template cannot be like this.', all, `dsctl types ${type.name} shows the fields.`)
  return { name: 'value' in name ? name.value : '', type: type.name, fields }
}

/** The template that a request names, if any. Throws `not_found` where there is none of that name. */
export async function templateOf(
  context: Context,
  name: unknown,
  action: LookupAudit['action'] | undefined,
): Promise<Template | undefined> {
  if (name === undefined) return undefined
  const problem = templateNameProblem(name)
  if (problem) throw invalid('The data source cannot be created like this.', [problem])
  return getTemplate(await context.templates(MAY.change), String(name).trim(), action)
}

/** A request of a batch with what its template adds, or what is wrong with that; `missing`: there is no such template. */
export type Templated = BatchDocument & { readonly problem?: FieldProblem; readonly missing?: boolean }

/** The requests of a batch with what their templates add, all looked up at once. */
export async function withTemplates(
  context: Context,
  documents: readonly BatchDocument[],
  action: LookupAudit['action'],
): Promise<readonly Templated[]> {
  const names = documents.flatMap(({ raw }) => (typeof raw.template === 'string' ? [raw.template.trim()] : []))
  if (names.length === 0) return documents.map(document => templated(document, new Map(), () => undefined))
  const { found, near } = await findTemplates(await context.templates(MAY.change), [...new Set(names)], action)
  return documents.map(document => templated(document, found, near))
}

function templated(
  document: BatchDocument,
  found: ReadonlyMap<string, Template>,
  near: (name: string) => string | undefined,
): Templated {
  const { name, env, type, template: rawName, ...fields } = document.raw
  if (rawName === undefined) return document
  const problem = templateNameProblem(rawName)
  if (problem) return { ...document, problem }
  const wanted = String(rawName).trim()
  const template = found.get(wanted)
  if (!template) return { ...document, problem: noneOf(wanted, near(wanted)), missing: true }
  const added = addTemplate({ type, fields }, template)
  if (added.problem) return { ...document, problem: added.problem }
  return { ...document, raw: { name, env, type: added.type, ...added.fields } }
}

function noneOf(name: string, near: string | undefined): FieldProblem {
  const meant = near === undefined ? '' : `; did you mean ${near}?`
  return { field: 'template', message: `there is no template ${name}${meant}` }
}

/** What is wrong with the name of a template in a request. */
function templateNameProblem(name: unknown): FieldProblem | undefined {
  const checked = checkName(name)
  return 'problem' in checked ? { ...checked.problem, field: 'template' } : undefined
}

/** The type and the fields of a request with a template's under them: what the request gives goes before. */
export function addTemplate(
  { type, fields }: Pick<Draft, 'type' | 'fields'>,
  template: Template,
): Pick<Draft, 'type' | 'fields'> & { readonly problem?: FieldProblem } {
  const preset = fieldsOfTemplate(template)
  if (type !== undefined && findSourceType(type)?.name !== template.type) {
    const message = `${template.name} is for ${template.type}, not for ${safeKey(stringify(type))}`
    return { type, fields, problem: { field: 'template', message } }
  }
  const known = getSourceType(template.type)
  const given = new Set(Object.keys(fields).map(key => findField(known, key)?.name))
  const left = Object.entries(preset).filter(([name]) => !given.has(name))
  return { type: template.type, fields: { ...Object.fromEntries(left), ...fields } }
}
