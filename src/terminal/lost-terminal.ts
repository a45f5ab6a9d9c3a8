import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Streams } from './streams.ts'

/**
 * Closes the descriptors of a terminal that no longer exists. Call it when the program exits: Node then resets the
 * terminal, and aborts if that fails, which may write its memory to a core file. Node skips closed descriptors.
 */
export function closeLostTerminal({ stdin, stdout, stderr }: Streams): void {
  for (const [fd, { isTTY }] of [stdin, stdout, stderr].entries()) {
    if (isTTY && !isatty(fd)) closeSync(fd)
  }
}
