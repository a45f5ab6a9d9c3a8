import type { Context } from '../../cli/context.ts'
import { MAY } from '../../operations/authorize.ts'
import { getTemplate } from '../../operations/template.ts'
import { type DraftOptions, readDraft } from '../../requests/create-request.ts'
import { addTemplate } from '../../requests/template-request.ts'
import type { RequestDraft } from '../../requests/validate-request.ts'

interface DraftInput {
  readonly name: string | undefined
  readonly options: DraftOptions
  /** If the lookup of the template is denied, the denial is audited under this action. Undefined: not audited. */
  readonly action: 'create' | 'test' | undefined
}

/** Reads the draft of a data source from the options, the request file, and the template that one of them names. */
export async function readDraftWithTemplate(
  context: Context,
  { name, options, action }: DraftInput,
): Promise<RequestDraft> {
  const { draft, template } = await readDraft(context, name, options)
  if (template === undefined) return draft
  return addTemplate(draft, await getTemplate(await context.templates(MAY.change), template, action))
}
