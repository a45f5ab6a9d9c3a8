import { nameSpellings } from '../../lib/name-spellings.ts'
import { isUntranslatable } from '../connection/failure.ts'

// A name is looked up in all its Unicode spellings. Only a database in UTF-8 can hold them all. Another one refuses a
// statement that contains them, before it does anything; then only what was typed is looked up.
let databaseHasUnicode = true

/** The spellings under which a name may be stored. */
export function spellingsOf(name: string): readonly string[] {
  return databaseHasUnicode ? nameSpellings(name) : [name]
}

type Methods<T> = { readonly [key in keyof T]: (...args: never[]) => Promise<unknown> }

/** The same methods. They run again, with the typed spelling alone, if the database cannot hold the others. */
export function withSpellings<T extends Methods<T>>(methods: T): T {
  const entries = Object.entries<(...args: never[]) => Promise<unknown>>(methods)
  const wrapped = entries.map(([name, method]) => [name, (...args: never[]) => runAgain(() => method(...args))])
  return Object.fromEntries(wrapped)
}

async function runAgain<R>(run: () => Promise<R>): Promise<R> {
  try {
    return await run()
  } catch (error) {
    if (!databaseHasUnicode || !isUntranslatable(error)) throw error
    databaseHasUnicode = false
    return run()
  }
}
