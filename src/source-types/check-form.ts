import type { TextForm } from './source-type.ts'

/** The problem with a text that does not have the form of its field, with the value that was probably meant. */
export function formProblem(text: string, { description, pattern, notations }: TextForm): string | undefined {
  for (const { pattern: notation, meant } of notations) {
    const expression = wholeText(notation)
    if (expression.test(text)) return `must be ${description}; did you mean "${text.replace(expression, meant)}"?`
  }
  return pattern === undefined || wholeText(pattern).test(text) ? undefined : `must be ${description}`
}

function wholeText(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'su')
}
