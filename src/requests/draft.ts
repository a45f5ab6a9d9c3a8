/** What is known of a request so far; nothing of it is judged yet. */
export interface Draft {
  readonly name: unknown
  readonly env: unknown
  readonly type: unknown
  readonly fields: Readonly<Record<string, unknown>>
}
