/** Emoji, which may contain invisible joiners. */
const EMOJI = /\p{Extended_Pictographic}[\ufe0f\p{EMod}]?(?:\u200d\p{Extended_Pictographic}[\ufe0f\p{EMod}]?)*/gu
/** Zero-width characters, direction marks, soft hyphens, fillers and line separators. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800\ufff9-\ufffb]/u

/** The problem with white space at the start or the end of a text, or with invisible characters, if any. */
export function invisibleProblem(text: string): string | undefined {
  const [start] = /^\s/u.exec(text) ?? []
  if (start) return `must not start with white space (${codePoint(start)})`
  const [end] = /\s$/u.exec(text) ?? []
  if (end) return `must not end with white space (${codePoint(end)})`
  const hidden = invisibleCharacter(text)
  return hidden && `must not contain invisible characters (${hidden})`
}

/** The first invisible character, for example `U+200B`. */
export function invisibleCharacter(text: string): string | undefined {
  const [found] = INVISIBLE.exec(text.replace(EMOJI, '')) ?? []
  return found && codePoint(found)
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
