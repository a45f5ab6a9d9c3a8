/** What a statement is called in --verbose; it begins with a comment that says so, for pg_stat_activity too. */
export function statementName(text: string): string {
  return `postgres ${/^\s*\/\* dsctl (.*?) \*\//.exec(text)?.[1] ?? 'statement'}`
}
