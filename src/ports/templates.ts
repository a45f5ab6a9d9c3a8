import type { Caller, Denied } from './caller.ts'
import type { LookupAudit } from './lookup.ts'

/** A preset of an organization: some of the fields of a type, none of them secret. */
export interface Template {
  readonly name: string
  readonly type: string
  /** Under their own names, numbers and booleans as such. */
  readonly fields: Readonly<Record<string, unknown>>
  /** ISO 8601, in UTC. */
  readonly createdAt: string
  readonly updatedAt: string
}

export type NewTemplate = Pick<Template, 'name' | 'type' | 'fields'>

/** The templates of an organization. Each method is one statement that checks the caller itself; changes are audited. */
export interface Templates {
  /** By name. */
  list(caller: Caller): Promise<Denied | { kind: 'listed'; templates: readonly Template[] }>
  /**
   * Those that have any of these names, in no order; `names` are those of all that there are. Where it is denied, the
   * audit trail tells what it was for.
   */
  find(
    caller: Caller,
    names: readonly string[],
    attempt?: LookupAudit,
  ): Promise<Denied | { kind: 'found'; templates: readonly Template[]; names: readonly string[] }>
  /** Makes a template, or puts it in the place of the one that has its name. */
  set(
    caller: Caller,
    template: NewTemplate,
  ): Promise<Denied | { kind: 'created' | 'replaced' | 'unchanged'; template: Template }>
  remove(caller: Caller, name: string): Promise<Denied | { kind: 'removed' } | Missing>
}

/** There is none of that name; `names` are those of all that there are. */
interface Missing {
  readonly kind: 'missing'
  readonly names: readonly string[]
}
