import { type FieldProblem, invalid } from '../domain/errors.ts'
import { wholeNumber } from './whole-number.ts'

/** The options of a command that prints a list in pages. */
export interface PagingOptions {
  readonly page?: string
  readonly pageSize?: string
  readonly all?: boolean
}

export interface Paging {
  /** The first page is 0. */
  readonly page: number
  readonly pageSize: number
  /** Whether to list every page. */
  readonly all: boolean
}

/** Reads the paging options. Throws `invalid` with every problem. */
export function readPaging({ page, pageSize, all = false }: PagingOptions): Paging {
  const problems: FieldProblem[] = []
  const report = (problem: FieldProblem) => problems.push(problem)
  const paging = {
    page: wholeNumber(page, { field: 'page', range: [0, 1_000_000], preset: 0, report }),
    pageSize: wholeNumber(pageSize, { field: 'page-size', range: [1, 1000], preset: 25, report }),
    all,
  }
  if (problems.length) throw invalid('Invalid command line.', problems)
  return paging
}
