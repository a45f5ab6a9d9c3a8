import type { Caller, Denied } from './caller.ts'
import type { LookupAudit } from './lookup.ts'

/** Preset values for fields of a type, shared in an organization. Never contains a secret field. */
export interface Template {
  readonly name: string
  readonly type: string
  /** Values by field name. Numbers and booleans are not converted to strings. */
  readonly fields: Readonly<Record<string, unknown>>
  /** ISO 8601, in UTC. */
  readonly createdAt: string
  readonly updatedAt: string
}

export type NewTemplate = Pick<Template, 'name' | 'type' | 'fields'>

/**
 * The templates of an organization. Each method is one statement, which checks the caller's permission. Changes are
 * audited.
 */
export interface Templates {
  /** All templates, ordered by name. */
  list(caller: Caller): Promise<Denied | { kind: 'listed'; templates: readonly Template[] }>
  /** The templates with these names, in any order. `names`: the names of all templates, for suggestions. */
  find(
    caller: Caller,
    names: readonly string[],
    audit?: LookupAudit,
  ): Promise<Denied | { kind: 'found'; templates: readonly Template[]; names: readonly string[] }>
  /** Creates a template, or replaces the one with the same name. */
  set(
    caller: Caller,
    template: NewTemplate,
  ): Promise<Denied | { kind: 'created' | 'replaced' | 'unchanged'; template: Template }>
  remove(caller: Caller, name: string): Promise<Denied | { kind: 'removed' } | Missing>
}

/** No template has that name. `names`: the names of all templates. */
interface Missing {
  readonly kind: 'missing'
  readonly names: readonly string[]
}
