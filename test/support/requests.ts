import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './run.ts'

/** Writes files into a new folder. Gives the folder. */
export function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

/** Arguments that create a data source of the given fields, its request on standard input. */
export function creation(request: Readonly<Record<string, unknown>>): { args: string[]; stdin: string } {
  return { args: ['create', '-f', '-', '-o', 'json'], stdin: JSON.stringify(request) }
}
