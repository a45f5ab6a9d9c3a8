const MAX_WORD_LENGTH = 64

/**
 * The candidate closest to a mistyped word; undefined if none is close enough. Ignores case and the difference between
 * `-` and `_`. At most a third of the letters may differ, and at most three.
 */
export function findClosest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined
  const normalized = normalize(word)
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates) {
    const distance = editDistance(normalized, normalize(candidate))
    const allowed = Math.min(3, Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3)))
    if (distance <= allowed && (!best || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

/** The end of a message about a mistyped word, `; did you mean "x"?`; empty if no candidate is close enough. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const near = findClosest(word, candidates)
  return near === undefined ? '' : `; did you mean "${near}"?`
}

function normalize(word: string): string {
  return word.toLowerCase().replaceAll('-', '_')
}

/** Restricted Damerau-Levenshtein distance: insert, delete, replace, or swap two adjacent letters. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const swaps = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const swapped = swaps ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(replaced, at(last, column) + 1, at(current, column - 1) + 1, swapped))
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
