/** Numbers for texts: equal texts have the same number. */
export interface Interner {
  id(text: string): number
  text(id: number): string
}

export function interner(): Interner {
  const ids = new Map<string, number>()
  const texts: string[] = []
  return {
    id(text) {
      const known = ids.get(text)
      if (known !== undefined) return known
      ids.set(text, texts.length)
      return texts.push(text) - 1
    },
    text(id) {
      const text = texts[id]
      if (text === undefined) throw new Error(`No text has the number ${id}.`)
      return text
    },
  }
}

/**
 * Functions that are computed once for each key, asynchronously, and looked up synchronously. An unknown value is
 * undefined until the next call of `computed` has finished.
 */
export interface Memos {
  of<T extends object | number>(compute: (key: number) => Promise<T>): (key: number) => T | undefined
  /** Computes the values that were looked up and unknown. Returns whether there were any. */
  computed(): Promise<boolean>
}

export function memos(): Memos {
  const missing: Promise<void>[] = []
  return {
    of<T extends object | number>(compute: (key: number) => Promise<T>) {
      const known = new Map<number, T>()
      return (key: number) => {
        const value = known.get(key)
        if (value === undefined) missing.push(compute(key).then(computed => void known.set(key, computed)))
        return value
      }
    },
    async computed() {
      const waiting = missing.splice(0)
      await Promise.all(waiting)
      return waiting.length > 0
    },
  }
}

/** A pair of numbers as one key. */
export function pair(one: number, other: number): number {
  return one * 0x200000 + other
}

export function unpaired(key: number): [number, number] {
  return [Math.floor(key / 0x200000), key % 0x200000]
}
