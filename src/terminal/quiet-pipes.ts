import type { Streams } from './streams.ts'

/**
 * Makes a reader that goes away (`| head -1`) an ordinary end; call it once, before anything is written. `failed` gets
 * any other failure of stdout, such as a full disk; one of stderr has nowhere to be told.
 */
export function quietPipes(streams: Streams, failed: (error: Error) => void): void {
  streams.stdout.on('error', error => {
    if (!isClosedPipe(error)) failed(error)
  })
  streams.stderr.on('error', () => {})
}

function isClosedPipe(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
}
