import { invalid } from '../domain/errors.ts'
import { OUTPUT_FORMATS, type OutputFormat } from '../domain/output-format.ts'
import type { InputContext } from './context.ts'
import { outputFormat } from './global-options.ts'

/**
 * The output format of a command whose result has no names or no ids. Throws `invalid` if `--output` asks for names or
 * ids that the result does not have: an empty output would look like an empty result. If a setting asks for them,
 * returns `table`.
 */
export function formatWithout(context: InputContext, ...unsupported: readonly ('name' | 'id')[]): OutputFormat {
  const lacks = (format: string | undefined) => unsupported.some(each => each === format)
  const { output } = context.options
  if (lacks(output)) {
    const others = OUTPUT_FORMATS.filter(format => !lacks(format))
    const message = `must be one of ${others.join(', ')}: this output has no ${output}`
    throw invalid('Unsupported output format.', [{ field: 'output', message }])
  }
  const format = outputFormat(context.settings())
  return lacks(format) ? 'table' : format
}
