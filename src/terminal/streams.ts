/** An input stream. `isTTY` is true if it is a terminal. */
export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean | undefined
  setRawMode?(raw: boolean): unknown
}

/** An output stream. `columns` and `rows` are the size of a terminal. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

/** The global options for messages and prompts. */
export interface TerminalOptions {
  readonly color?: boolean | undefined
  readonly input?: boolean | undefined
  readonly quiet?: boolean | undefined
  readonly verbose?: boolean | undefined
}

/** Job control of the shell that runs dsctl. */
export interface JobControl {
  /** Calls `listener` whenever the program resumes after it was suspended. Returns a function that stops this. */
  onContinued(listener: () => void): () => void
  /** Suspends the program’s process group until the shell resumes it. Does nothing on Windows. */
  suspend(): void
}

/**
 * The messages of a command with `-o json`. They are printed at its end, in one document, so that a script can parse
 * everything on stderr.
 */
export interface CollectedMessages {
  /** Whether the command prints JSON. Known once the command line has been parsed. */
  readonly isJson: () => boolean
  error?: object
  warnings?: string[]
  notes?: string[]
  /** The backend calls, with `--verbose`. */
  calls?: string[]
}

/** The streams and the environment that this folder uses. Nothing here reads `process`. */
export interface Streams {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly options?: TerminalOptions | undefined
  readonly job?: JobControl | undefined
  /** Whether Escape ends a prompt with WentBack. Otherwise it does nothing. */
  readonly canGoBack?: boolean | undefined
  /** Undefined: every message is printed at once, as text. */
  readonly collected?: CollectedMessages | undefined
}

/** A line that is redrawn on the terminal, such as a spinner, and that makes room for other output. */
export interface StatusLine {
  clear(): void
  hold(): void
  release(): void
}

const statusLines = new WeakMap<Output, StatusLine>()

/** Sets the status line that is drawn on stderr; undefined if there is none. */
export function setStatusLine(streams: Streams, line: StatusLine | undefined): void {
  if (line) statusLines.set(streams.stderr, line)
  else statusLines.delete(streams.stderr)
}

/** Writes data to stdout. */
export function writeData(streams: Streams, text: string): void {
  statusLines.get(streams.stderr)?.clear()
  streams.stdout.write(text)
}

/** Writes data to stdout and waits until it is written. Returns false if nobody reads it any more. */
export function writeDataAndWait(streams: Streams, text: string): Promise<boolean> {
  statusLines.get(streams.stderr)?.clear()
  return new Promise(resolve => {
    streams.stdout.write(text, error => resolve(!error))
  })
}

/** Writes a message to stderr. */
export function writeMessage(streams: Streams, text: string): void {
  statusLines.get(streams.stderr)?.clear()
  streams.stderr.write(text)
}

/** Hides the status line while `work` runs. */
export async function withTerminal<T>(streams: Streams, work: () => Promise<T>): Promise<T> {
  const line = statusLines.get(streams.stderr)
  line?.hold()
  try {
    return await work()
  } finally {
    line?.release()
  }
}
