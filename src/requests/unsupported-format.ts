import type { Context } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { OUTPUT_FORMATS } from '../domain/output-format.ts'

/**
 * Says what the answer of the command at hand has none of. Throws `invalid`, before anything is done, where `--output`
 * asks for that: to print nothing would say that there is none. Where a setting does, which is for every command, the
 * answer is printed as a table.
 */
export function answerHasNo(context: Context, ...formats: readonly ('name' | 'id')[]): void {
  const { output } = context.flags
  if (formats.some(format => format === output)) {
    const others = OUTPUT_FORMATS.filter(format => formats.every(lacked => lacked !== format))
    const message = `must be one of ${others.join(', ')}: there is no ${output} in this answer`
    throw invalid('The answer cannot be printed like this.', [{ field: 'output', message }])
  }
  context.flags = { ...context.flags, answerHasNo: formats }
}
