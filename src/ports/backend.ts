/** What every call to a backend obeys: `timeoutMs` each; `trace` is told its name and duration (`--verbose`). */
export interface Backend {
  readonly timeoutMs: number
  readonly trace: (call: string, ms: number) => void
}
