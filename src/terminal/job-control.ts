import type { Input, Streams } from './streams.ts'

/**
 * While something is read unseen: when the program goes on after it was stopped, what is typed is not shown either (the
 * shell has set its terminal to show it), and `redraw` draws again what stood there. Gives what ends that.
 */
export function watchForResume({ stdin, job }: Streams, redraw: () => void): () => void {
  const unwatch = job?.onContinued(() => {
    resetRawMode(stdin)
    redraw()
  })
  return unwatch ?? (() => {})
}

/** Has Ctrl-Z stop the program as anywhere else. Gives what ends that. */
export function watchForCtrlZ({ stdin, job }: Streams): () => void {
  const onKey = (_: unknown, key: { ctrl?: boolean; name?: string | undefined } | undefined) => {
    if (!job || !key?.ctrl || key.name !== 'z') return
    // Node's readline would stop this process without its parent (npx), and read no more once it goes on.
    key.name = undefined
    stdin.setRawMode?.(false)
    job.suspend()
    resetRawMode(stdin)
  }
  stdin.on('keypress', onKey)
  return () => void stdin.removeListener('keypress', onKey)
}

// Node changes nothing where it knows of no change.
function resetRawMode(stdin: Input): void {
  stdin.setRawMode?.(false)
  stdin.setRawMode?.(true)
}
