import stringWidth from 'string-width'

/** How many columns of the terminal a string takes. Wide characters and emoji take two. */
export function displayWidth(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text)
}

/** Shortens a text to at most `width` columns and marks the cut with `…`. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += displayWidth(segment)
    if (used > width) break
    kept += segment
  }
  return `${kept}…`
}

/** Breaks a text between words into lines of at most `width` columns. A longer word, such as a URL, stays whole. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && displayWidth(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Breaks a text into lines of at most `width` columns: between words, and inside a word that is longer. */
export function wrapText(text: string, width: number): string[] {
  return wrapWords(text, width).flatMap(line => breakWord(line, width))
}

function breakWord(word: string, width: number): string[] {
  if (displayWidth(word) <= width) return [word]
  const lines = ['']
  for (const { segment } of new Intl.Segmenter().segment(word)) {
    const last = lines.at(-1) ?? ''
    if (displayWidth(last + segment) <= width || last === '') lines[lines.length - 1] = last + segment
    else lines.push(segment)
  }
  return lines
}
