import type { Input, Streams } from './streams.ts'

/**
 * Turns the terminal's echo off again and calls `redraw` when the program resumes after Ctrl-Z; the shell has turned
 * the echo on meanwhile. Returns a function that stops watching.
 */
export function watchForResume({ stdin, job }: Streams, redraw: () => void): () => void {
  const unwatch = job?.onContinued(() => {
    resetRawMode(stdin)
    redraw()
  })
  return unwatch ?? (() => {})
}

/** Makes Ctrl-Z suspend the program while a prompt reads `keys`. Returns a function that stops watching. */
export function watchForCtrlZ({ stdin, job }: Streams, keys: Input): () => void {
  const onKey = (_: unknown, key: { ctrl?: boolean; name?: string | undefined } | undefined) => {
    if (!job || !key?.ctrl || key.name !== 'z') return
    // Node's readline would suspend this process but not its parent (npx), and would not read again after resuming.
    key.name = undefined
    stdin.setRawMode?.(false)
    job.suspend()
    resetRawMode(stdin)
  }
  keys.on('keypress', onKey)
  return () => void keys.removeListener('keypress', onKey)
}

// Turned off first, because Node ignores a call that does not change the mode it last set.
function resetRawMode(stdin: Input): void {
  stdin.setRawMode?.(false)
  stdin.setRawMode?.(true)
}
