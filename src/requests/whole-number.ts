import type { FieldProblem } from '../domain/errors.ts'

interface WholeNumberOptions {
  /** The name of the option. */
  readonly field: string
  /** The smallest and the largest number allowed. */
  readonly range: readonly [number, number]
  /** The number if the option was not given. */
  readonly preset: number
  readonly report: (problem: FieldProblem) => void
}

/** Reads an option that takes a whole number. If the value is invalid, reports it and returns `preset`. */
export function wholeNumber(text: string | undefined, { field, range, preset, report }: WholeNumberOptions): number {
  if (text === undefined) return preset
  const [least, greatest] = range
  const number = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (number >= least && number <= greatest) return number
  report({ field, message: `must be a whole number from ${least} to ${greatest}` })
  return preset
}
