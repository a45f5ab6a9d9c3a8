import { constants, createReadStream, openSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Socket } from 'node:net'

/**
 * A file's bytes, or, where it has more than `most`, more than that: enough to see that it is too large, also where it
 * has no end, as a device.
 */
export async function readAtMost(path: string, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of (await isPipe(path)) ? openPipe(path) : createReadStream(path, { end: most })) {
    chunks.push(chunk)
    length += chunk.length
    if (length > most) break
  }
  return Buffer.concat(chunks)
}

/**
 * The same of a file that `judge` lets pass once it is open, since its path may lead elsewhere from one moment to the
 * next; else what that has against it.
 */
export async function readChecked(
  path: string,
  most: number,
  judge: (fd: number) => string | undefined,
): Promise<Buffer | string> {
  // A pipe that has come into its place is not waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const problem = judge(file.fd)
    if (problem !== undefined) return problem
    const chunks: Buffer[] = []
    for await (const chunk of file.createReadStream({ end: most, autoClose: false })) chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await file.close()
  }
}

/** Whether it is a named pipe, or what a shell makes of `<(command)`. */
async function isPipe(path: string): Promise<boolean> {
  return (await stat(path)).isFIFO()
}

// To open a pipe that nobody writes to blocks a thread, without which Node cannot exit, not even at a signal.
function openPipe(path: string): Socket {
  // Not a FileHandle, which closes when it is collected: the socket owns it.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

/** The same, or undefined where somebody wrote into the file meanwhile: it may hold the half of two. */
export async function readStable(path: string, most: number): Promise<Buffer | undefined> {
  const before = await stat(path)
  const content = await readAtMost(path, most)
  const after = await stat(path)
  // Of a pipe these times tell only that it was written to.
  if (!before.isFile()) return content
  const isSame = before.mtimeMs === after.mtimeMs && before.size === after.size && before.ino === after.ino
  return isSame ? content : undefined
}
