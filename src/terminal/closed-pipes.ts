import type { Output, Streams } from './streams.ts'

/**
 * Ignores the errors when a reader goes away (`| head -1`, a closed terminal). Call it once, before anything is
 * written. `failed` is called for any other failure of stdout, such as a full disk. Failures of stderr are ignored:
 * there is no place to print them.
 *
 * This does not detect an output that was already closed at the start (`>&-`). Node opens /dev/null in its place before
 * any code runs, so it looks the same as a redirection to /dev/null. Go programs such as gh and vault behave the same.
 */
export function ignoreClosedPipes(streams: Streams, failed: (error: Error) => void): void {
  streams.stdout.on('error', error => {
    if (!isClosed(error, streams.stdout)) failed(error)
  })
  streams.stderr.on('error', () => {})
  // Resetting a terminal that is gone would fail, and readline would let that error end the program.
  streams.stdin.on('end', () => Object.assign(streams.stdin, { setRawMode: undefined }))
}

function isClosed(error: Error, { isTTY }: Output): boolean {
  const code = 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || (code === 'EIO' && isTTY === true)
}
