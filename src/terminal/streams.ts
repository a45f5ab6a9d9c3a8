/** Where input comes from, and whether a person is there. */
export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean | undefined
  setRawMode?(raw: boolean): unknown
}

/** Where text goes; `columns` is the width of a terminal. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

/** The global options that say how to talk. */
export interface TerminalOptions {
  readonly color?: boolean | undefined
  readonly input?: boolean | undefined
  readonly quiet?: boolean | undefined
  readonly verbose?: boolean | undefined
}

/** What a shell does with the programs that it runs. */
export interface JobControl {
  /** Calls back whenever the program goes on after it was stopped; gives what ends that. */
  onContinued(listener: () => void): () => void
  /** Stops it, with what shares its terminal, until the shell lets it go on. Where no shell could, it does nothing. */
  suspend(): void
}

/** The outer world as this folder sees it: nothing here reads `process`. */
export interface Streams {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly options?: TerminalOptions | undefined
  readonly job?: JobControl | undefined
}

/** Something that draws on the terminal and makes room while others write. */
export interface StatusLine {
  clear(): void
  hold(): void
  release(): void
}

const statusLines = new WeakMap<Output, StatusLine>()

/** Names what draws on stderr at present, or that nothing does. */
export function setStatusLine(streams: Streams, drawing: StatusLine | undefined): void {
  if (drawing) statusLines.set(streams.stderr, drawing)
  else statusLines.delete(streams.stderr)
}

/** Writes data to stdout. */
export function writeData(streams: Streams, text: string): void {
  statusLines.get(streams.stderr)?.clear()
  streams.stdout.write(text)
}

/** Writes data to stdout and waits until it is written: false where nobody reads it any more. */
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

/** Does something with the terminal to itself: no spinner draws meanwhile. */
export async function withTerminal<T>(streams: Streams, work: () => Promise<T>): Promise<T> {
  const drawing = statusLines.get(streams.stderr)
  drawing?.hold()
  try {
    return await work()
  } finally {
    drawing?.release()
  }
}
