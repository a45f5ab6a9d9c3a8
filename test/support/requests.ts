import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './run.ts'

/** Writes files into a new folder. Returns the folder. */
export function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

/** Arguments and standard input that create a data source with these fields. */
export function creation(request: Readonly<Record<string, unknown>>): { args: string[]; stdin: string } {
  return { args: ['create', '-f', '-', '-o', 'json'], stdin: JSON.stringify(request) }
}
