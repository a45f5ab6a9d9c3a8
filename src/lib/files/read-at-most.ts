import { constants, createReadStream, openSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Socket } from 'node:net'

/**
 * Reads a file up to a limit. If the file is larger, the result is longer than `maxBytes`, so that the caller can
 * reject it. This works for devices too, which may be endless.
 */
export async function readAtMost(path: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of (await isPipe(path)) ? openPipe(path) : createReadStream(path, { end: maxBytes })) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes) break
  }
  return Buffer.concat(chunks)
}

/**
 * Reads a file up to a limit if `check` accepts it; otherwise returns the problem that `check` found. The check gets
 * the open file, because the path may lead to another file by the time it is opened.
 */
export async function readChecked(
  path: string,
  maxBytes: number,
  check: (fd: number) => string | undefined,
): Promise<Buffer | string> {
  // Non-blocking, so that opening does not wait if the file has been replaced by a pipe.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const problem = check(file.fd)
    if (problem !== undefined) return problem
    const chunks: Buffer[] = []
    for await (const chunk of file.createReadStream({ end: maxBytes, autoClose: false })) chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await file.close()
  }
}

/** Whether the path is a named pipe, or the pipe that a shell creates for `<(command)`. */
async function isPipe(path: string): Promise<boolean> {
  return (await stat(path)).isFIFO()
}

// Opening a pipe without a writer would block one of Node’s threads, and Node could not exit, not even on a signal.
function openPipe(path: string): Socket {
  // Not a FileHandle, which would close the descriptor when it is garbage-collected. The socket closes it.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

/** Reads a file up to a limit; undefined if it changed while it was being read. */
export async function readStable(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const before = await stat(path)
  const content = await readAtMost(path, maxBytes)
  const after = await stat(path)
  // A pipe’s modification time changes with every write.
  if (!before.isFile()) return content
  const isSame = before.mtimeMs === after.mtimeMs && before.size === after.size && before.ino === after.ino
  return isSame ? content : undefined
}
