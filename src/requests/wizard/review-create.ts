import type { Context } from '../../cli/context.ts'
import type { CreateRequest } from '../../operations/create.ts'
import { getSourceType } from '../../source-types/index.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import type { Draft } from '../draft.ts'
import { editField, review } from './create-prompts.ts'
import { AGAIN, askWhatNow } from './retry-prompt.ts'

/** What becomes of a draft: a whole request, and that saved. */
export interface Saving<T> {
  build(draft: Draft): Promise<CreateRequest>
  save(request: CreateRequest): Promise<T>
}

/**
 * Shows a person what would be saved, and saves it once they say so. What they typed survives a failure: they can change
 * a field and try again, until they give up, which throws it.
 */
export async function reviewAndSave<T>(
  asking: { context: Context; prompter: Prompter },
  first: Draft,
  { build, save }: Saving<T>,
): Promise<T> {
  let draft = first
  for (;;) {
    try {
      const request = await build(draft)
      const decision = await review(asking.prompter, { draft, request })
      if (decision === 'save') return await save(request)
      draft = decision === 'test' ? await tested(asking.context, { draft, request }) : decision
    } catch (error) {
      const what = await askWhatNow(asking, error, [AGAIN, { value: 'edit', name: 'Change a field' }])
      if (what === 'edit') draft = await change(asking.prompter, draft)
    }
  }
}

async function change(prompter: Prompter, draft: Draft): Promise<Draft> {
  const type = getSourceType(draft.type)
  const fields = Object.entries(type.fields).map(([value, { label }]) => ({ value, name: label }))
  const heads = [
    { value: 'name', name: 'Name' },
    { value: 'env', name: 'Env' },
  ]
  return editField(prompter, draft, await prompter.askChoice('Which field?', [...heads, ...fields]))
}

/** Tells whether what a person has typed connects; answers it with the jump host's key, where they took that as right. */
async function tested(context: Context, { draft, request }: { draft: Draft; request: CreateRequest }): Promise<Draft> {
  const { testRequest } = await import('../test-request.ts')
  const { verdict, acceptedHostKey } = await testRequest(context, request)
  context.note(verdict.ok ? verdict.message : `Stage ${verdict.stage}, ${verdict.code}: ${verdict.message}`)
  return acceptedHostKey === undefined
    ? draft
    : { ...draft, fields: { ...draft.fields, ssh_host_key: acceptedHostKey } }
}
