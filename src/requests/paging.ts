import type { FieldProblem } from '../domain/errors.ts'
import { invalid } from '../domain/errors.ts'

type Flags = Readonly<Record<string, unknown>>

export interface Paging {
  readonly page: number
  readonly pageSize: number
  /** Whether every page is wanted. */
  readonly all: boolean
}

/** Reads `--page`, `--page-size` and `--all`. Throws `invalid`, with every problem. */
export function readPaging(flags: Flags): Paging {
  const problems: FieldProblem[] = []
  const whole = (field: string, value: unknown, [least, most]: [number, number]) => {
    const number = /^\d{1,9}$/.test(String(value)) ? Number(value) : -1
    if (number >= least && number <= most) return number
    problems.push({ field, message: `must be a whole number from ${least} to ${most}` })
    return least
  }
  const page = whole('page', flags.page ?? 0, [0, 1_000_000])
  const pageSize = whole('page-size', flags.pageSize ?? 25, [1, 1000])
  if (problems.length) throw invalid('The list cannot be shown like this.', problems)
  return { page, pageSize, all: flags.all === true }
}
