import type { ErrorDetails, FieldProblem } from '../domain/errors.ts'

/** The maximum number of problems that an error of a batch lists. */
const MAX_LISTED = 50

interface Listed<T> {
  readonly problems: readonly T[]
  readonly hint: string | undefined
}

/** The problems of an error for JSON, one entry each. */
export function listProblems({ fields = [], hint }: ErrorDetails): Listed<{ field: string; message: string }> {
  const problems = fields.map(({ item, field, message }) => ({ field: withItem(item, field), message }))
  return limit(problems, { fields, hint })
}

/**
 * The problems of an error for people, one per line. If several requests have the same problem, it is one line,
 * counted.
 */
export function summarizeProblems({ fields = [], hint }: ErrorDetails): Listed<string> {
  const groups = new Map<string, FieldProblem[]>()
  for (const problem of fields) {
    const key = keyOf(problem)
    const group = groups.get(key)
    if (group) group.push(problem)
    else groups.set(key, [problem])
  }
  return limit([...groups.values()].map(summarize), { fields, hint })
}

/** Only a batch can have a large number of problems, and they may all have one cause. */
function limit<T>(problems: readonly T[], { fields = [], hint }: ErrorDetails): Listed<T> {
  const more = problems.length - MAX_LISTED
  if (more <= 0 || fields.every(({ item }) => item === undefined)) return { problems, hint }
  return { problems: problems.slice(0, MAX_LISTED), hint: `And ${more} more problems.` }
}

/** Problems with the same key are one problem. Fields may share a source, such as a variable that is not set. */
function keyOf({ field, message, ofSource }: FieldProblem): string {
  return JSON.stringify(ofSource ? [message] : [field, message])
}

function summarize(problems: readonly FieldProblem[]): string {
  const [{ message } = { message: '' }] = problems
  const fields = [...new Set(problems.map(({ field }) => field))].join(', ')
  const items = [...new Set(problems.map(({ item }) => item))]
  const [first] = items
  if (items.length < 2) return `${withItem(first, fields)}: ${message}`
  return `${fields}: ${message} (in ${items.length} requests, first in ${first})`
}

function withItem(item: string | undefined, field: string): string {
  return item === undefined ? field : `${item}, ${field}`
}
