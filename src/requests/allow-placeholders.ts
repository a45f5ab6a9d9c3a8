import { AllowedPlaceholder, REDACTED, Secret } from '../domain/secret.ts'
import { findField } from '../source-types/field-names.ts'
import { sourceTypes } from '../source-types/index.ts'
import { placeholderProblem } from '../source-types/placeholder.ts'
import { withPlaceholder } from '../source-types/service-account-key.ts'
import type { FieldAnswers } from '../terminal/ask-fields.ts'
import type { Prompter } from '../terminal/prompter.ts'

/** The option `--allow-placeholder`. */
export interface PlaceholderOptions {
  readonly allowPlaceholder?: boolean | undefined
}

/** If the option is given, marks the secrets that are masks or placeholders, so that they are stored as they are. */
export function allowPlaceholders<F extends Readonly<Record<string, unknown>>>(
  fields: F,
  { allowPlaceholder: allowed = false }: PlaceholderOptions,
): F | { readonly [key in keyof F]: F[key] | AllowedPlaceholder } {
  if (!allowed) return fields
  const entries = Object.entries(fields).map(([key, value]) => [key, allowPlaceholder(key, value) ?? value])
  return Object.fromEntries(entries)
}

/** If the option is given, returns a prompter that accepts masks and placeholders. */
export function promptsForPlaceholders(prompter: Prompter, options: PlaceholderOptions): Prompter {
  if (!options.allowPlaceholder) return prompter
  return {
    ...prompter,
    askFields: async question => {
      const check = (field: string, text: string) =>
        allowPlaceholder(field, text) ? undefined : question.check(field, text)
      return allowPlaceholders(await prompter.askFields({ ...question, check }), options) as FieldAnswers
    },
    // Both call their work with another prompter.
    dialogue: () => {
      const { run, ...dialogue } = prompter.dialogue()
      return { ...dialogue, run: work => run(inner => work(promptsForPlaceholders(inner, options))) }
    },
    detour: work => prompter.detour(inner => work(promptsForPlaceholders(inner, options))),
  }
}

/** Whether the option allows this value of a field. */
export function allowsPlaceholder(
  key: string,
  value: unknown,
  { allowPlaceholder: allowed }: PlaceholderOptions,
): boolean {
  return allowed === true && allowPlaceholder(key, value) !== undefined
}

/** The value of a field, marked, if it is a mask or a placeholder. Undefined otherwise, and for `[REDACTED]`. */
function allowPlaceholder(key: string, given: unknown): AllowedPlaceholder | undefined {
  const fields = sourceTypes.flatMap(type => findField(type, key)?.field ?? []).filter(({ secret }) => secret)
  const value: unknown = given instanceof Secret ? given.reveal() : given
  if (fields.length === 0 || value === undefined) return undefined
  if (typeof value === 'string' && value.trim().toUpperCase() === REDACTED) return undefined
  const object = fields.some(({ kind }) => kind === 'service-account-key') ? withPlaceholder(value) : undefined
  if (object) return new AllowedPlaceholder(object)
  return typeof value === 'string' && placeholderProblem(value) ? new AllowedPlaceholder(value) : undefined
}
