/** Options of every backend. */
export interface Backend {
  /** Timeout of each call. */
  readonly timeoutMs: number
  /** Called after each call with its name and duration, for `--verbose`. */
  readonly trace: (call: string, ms: number) => void
}
