/** The name of a statement in --verbose: the comment that it begins with, which pg_stat_activity shows too. */
export function statementName(text: string): string {
  return `postgres ${/^\s*\/\* dsctl (.*?) \*\//.exec(text)?.[1] ?? 'statement'}`
}
