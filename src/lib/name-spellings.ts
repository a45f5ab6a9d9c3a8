/** More combinations than this are not looked up one by one. */
const MAX_SPELLINGS = 64

/**
 * All texts that are the same name in Unicode: the text itself, and those with other canonical forms of its characters.
 * `é`, for example, is one character or two. A long text with many such characters has too many: then the text itself,
 * its composed form (NFC) and its decomposed form (NFD).
 */
export function nameSpellings(text: string): readonly string[] {
  // Few names need more: three characters of ASCII have another form, for example K, which is also the Kelvin sign.
  if (/^[ -JL-~]*$/.test(text) && !/[;`]/.test(text)) return [text]
  const forms = [text, text.normalize('NFC'), text.normalize('NFD')]
  const parts = text.normalize('NFD').match(PART) ?? []
  let combined = ['']
  for (const part of parts) {
    const spellings = partSpellings(part)
    combined = combined.flatMap(start => spellings.map(end => start + end))
    if (combined.length > MAX_SPELLINGS) return [...new Set(forms)]
  }
  return [...new Set([...forms, ...combined])]
}

/** A character with its accents, or a syllable of Hangul with its letters. */
const PART = /[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|\P{M}\p{M}*|\p{M}+/gu

/** The forms of a decomposed part: with none, some or all of its accents composed, and the older characters for it. */
function partSpellings(part: string): readonly string[] {
  const characters = [...part]
  const composed = characters.map((_, at) => {
    const [start, rest] = [characters.slice(0, at + 1), characters.slice(at + 1)]
    return start.join('').normalize('NFC') + rest.join('')
  })
  const found = new Set([part, ...composed])
  for (const spelling of [...found]) {
    const [first = '', ...rest] = [...spelling]
    for (const former of oldCharacters().get(first) ?? []) found.add([former, ...rest].join(''))
  }
  return [...found]
}

// The ranges with characters that Unicode replaces by another single character: Kelvin, Ohm, compatibility ideographs.
const OLD_RANGES = [
  ...[
    [0x340, 0x37e],
    [0x387, 0x387],
    [0x1f71, 0x1fef],
    [0x1ff9, 0x1ffd],
    [0x2000, 0x2001],
    [0x2126, 0x212b],
  ],
  ...[
    [0x2329, 0x232a],
    [0xf900, 0xfaff],
    [0x2f800, 0x2fa1d],
  ],
] as const

let old: ReadonlyMap<string, readonly string[]> | undefined

function oldCharacters(): ReadonlyMap<string, readonly string[]> {
  if (old) return old
  const found = new Map<string, string[]>()
  for (const [start = 0, end = 0] of OLD_RANGES) {
    for (let code = start; code <= end; code++) {
      const character = String.fromCodePoint(code)
      const current = character.normalize('NFC')
      if (current !== character && [...current].length === 1)
        found.set(current, [...(found.get(current) ?? []), character])
    }
  }
  old = found
  return found
}
