import { DsctlError } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import type { Caller } from '../ports/caller.ts'
import type { LookupAudit } from '../ports/lookup.ts'
import type { NewTemplate, Template, Templates } from '../ports/templates.ts'
import { permitted } from './authorize.ts'
import { sendUnlogged } from './send-unlogged.ts'

export interface TemplateAccess {
  readonly caller: Caller
  readonly templates: Templates
}

const HINT = 'Run the command again. This is safe.'

/** Returns all templates of the organization, sorted by name. */
export async function listTemplates({ caller, templates }: TemplateAccess): Promise<readonly Template[]> {
  return permitted(await templates.list(caller)).templates
}

/**
 * Returns a template. Throws `not_found`, with a suggestion. If the caller is denied and `action` is given, the denial
 * is audited under that action.
 */
export async function getTemplate(
  { caller, templates }: TemplateAccess,
  name: string,
  action?: LookupAudit['action'],
): Promise<Template> {
  const { templates: found, names } = permitted(await templates.find(caller, [name], attemptOf(action)))
  const [template] = found
  if (!template) throw noTemplate(name, names)
  return template
}

/**
 * Returns the existing templates with these names, by name, and a function that suggests a similar name for a missing
 * one. If the caller is denied and `action` is given, the denial is audited under that action.
 */
export async function findTemplates(
  { caller, templates }: TemplateAccess,
  requested: readonly string[],
  action?: LookupAudit['action'],
): Promise<{ found: ReadonlyMap<string, Template>; suggest: (name: string) => string | undefined }> {
  const { templates: found, names } = permitted(await templates.find(caller, requested, attemptOf(action)))
  return { found: new Map(found.map(each => [each.name, each])), suggest: name => findClosest(name, names) }
}

/** Creates a template, or replaces the one with the same name. */
export async function setTemplate(
  { caller, templates }: TemplateAccess,
  template: NewTemplate,
): Promise<{ kind: 'created' | 'replaced' | 'unchanged'; template: Template }> {
  return permitted(await sendUnlogged(() => templates.set(caller, template), HINT))
}

/** Deletes a template. Throws `not_found`, with a suggestion. */
export async function deleteTemplate({ caller, templates }: TemplateAccess, name: string): Promise<void> {
  const answer = permitted(await sendUnlogged(() => templates.remove(caller, name), HINT))
  if (answer.kind === 'missing') throw noTemplate(name, answer.names)
}

function attemptOf(action: LookupAudit['action'] | undefined): LookupAudit | undefined {
  return action && { eventId: crypto.randomUUID(), action }
}

function noTemplate(name: string, names: readonly string[]): DsctlError {
  const similar = findClosest(name, names)
  return new DsctlError('not_found', `There is no template ${name}.`, {
    hint: similar === undefined ? 'Run dsctl template list to see them.' : `Did you mean ${similar}?`,
  })
}
