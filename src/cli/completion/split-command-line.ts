/**
 * Splits a command line up to the cursor into words, without the command's name. The last word is the one being typed;
 * it is empty after a space. Removes quotes and backslashes as a shell does, but expands nothing.
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
