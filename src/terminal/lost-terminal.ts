import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Streams } from './streams.ts'

/**
 * To be called as the program ends. Node sets the terminal back then, and aborts (which may write all of its memory to
 * a core file) where that is gone; a descriptor that is closed it leaves alone.
 */
export function closeLostTerminal({ stdin, stdout, stderr }: Streams): void {
  for (const [fd, { isTTY }] of [stdin, stdout, stderr].entries()) {
    if (isTTY && !isatty(fd)) closeSync(fd)
  }
}
