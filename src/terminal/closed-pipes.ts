import type { Output, Streams } from './streams.ts'

/**
 * Makes a reader that goes away (`| head -1`, a terminal that is closed) an ordinary end; call it once, before anything
 * is written. `failed` gets any other failure of stdout, such as a full disk; one of stderr has nowhere to be told.
 *
 * An output that was closed before the start (`>&-`) does not come here: Node opens /dev/null in its place before any
 * code runs, for reading and writing, just as a parent does that wants no output. The two can't be told apart, and
 * programs in Go, such as gh and vault, have it likewise.
 */
export function ignoreClosedPipes(streams: Streams, failed: (error: Error) => void): void {
  streams.stdout.on('error', error => {
    if (!isClosed(error, streams.stdout)) failed(error)
  })
  streams.stderr.on('error', () => {})
  // A terminal that is gone can't be set back, an error that readline would let end the program.
  streams.stdin.on('end', () => Object.assign(streams.stdin, { setRawMode: undefined }))
}

function isClosed(error: Error, { isTTY }: Output): boolean {
  const code = 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || (code === 'EIO' && isTTY === true)
}
