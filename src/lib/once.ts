/** Wraps a function so that it runs once: later calls return the first result, whatever their arguments. */
export function once<A extends readonly unknown[], T>(run: (...args: A) => T): (...args: A) => T {
  let result: { value: T } | undefined
  return (...args) => {
    result ??= { value: run(...args) }
    return result.value
  }
}
