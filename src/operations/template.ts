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

const HINT = 'It can simply be run again.'

/** All templates of the organization, by name. */
export async function listTemplates({ caller, templates }: TemplateAccess): Promise<readonly Template[]> {
  return permitted(await templates.list(caller)).templates
}

/**
 * One template; throws `not_found`, with the one that was probably meant. Where it is denied, the audit trail tells that of
 * `action`, if it is for one.
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

/** Likewise those of these names that there are, by name; `near` tells of another name which was probably meant. */
export async function findTemplates(
  { caller, templates }: TemplateAccess,
  wanted: readonly string[],
  action?: LookupAudit['action'],
): Promise<{ found: ReadonlyMap<string, Template>; near: (name: string) => string | undefined }> {
  const { templates: found, names } = permitted(await templates.find(caller, wanted, attemptOf(action)))
  return { found: new Map(found.map(each => [each.name, each])), near: name => findClosest(name, names) }
}

/** Makes a template, or puts it in the place of the one that has its name. */
export async function setTemplate(
  { caller, templates }: TemplateAccess,
  template: NewTemplate,
): Promise<{ kind: 'created' | 'replaced' | 'unchanged'; template: Template }> {
  return permitted(await sendUnlogged(() => templates.set(caller, template), HINT))
}

/** Deletes a template; throws `not_found` where there is none. */
export async function deleteTemplate({ caller, templates }: TemplateAccess, name: string): Promise<void> {
  const answer = permitted(await sendUnlogged(() => templates.remove(caller, name), HINT))
  if (answer.kind === 'missing') throw noTemplate(name, answer.names)
}

function attemptOf(action: LookupAudit['action'] | undefined): LookupAudit | undefined {
  return action && { eventId: crypto.randomUUID(), action }
}

function noTemplate(name: string, names: readonly string[]): DsctlError {
  const near = findClosest(name, names)
  return new DsctlError('not_found', `There is no template ${name}.`, {
    hint: near === undefined ? 'dsctl template list shows those there are.' : `Did you mean ${near}?`,
  })
}
