/**
 * The words of a command line up to the cursor, without the command's own; the last is the one that is being typed,
 * empty after a space. Quotes and backslashes are taken away as a shell would, nothing is expanded.
 */
export function splitCommandLine(line: string): readonly string[] {
  const words = ['']
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    const last = words.length - 1
    if (character === '\\' && quote !== "'") words[last] += line.charAt(++at)
    else if (character === quote) quote = ''
    else if (quote === '' && /["']/.test(character)) quote = character
    else if (quote !== '' || !/\s/.test(character)) words[last] += character
    else if (words[last] !== '') words.push('')
  }
  const command = words.findIndex(word => !/^\w+=/.test(word))
  return words.slice(command + 1)
}
