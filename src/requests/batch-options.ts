import type { InputContext } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import type { PruneScope } from '../operations/batch/prune.ts'
import type { PlaceholderOptions } from './allow-placeholders.ts'
import { givenEnvs } from './selected-envs.ts'
import { wholeNumber } from './whole-number.ts'

/** The options of `apply` and `diff` that choose the batch. */
export interface BatchOptions extends PlaceholderOptions {
  readonly file: readonly string[]
  readonly allowFrom?: readonly string[]
  readonly prune?: boolean
  readonly pruneAll?: boolean
  readonly pruneMax?: string
  readonly parallel?: string
}

/** Which files and envs a batch has, and how it is processed. */
export interface BatchSettings extends PlaceholderOptions {
  readonly files: readonly string[]
  readonly allowFrom: readonly string[] | undefined
  /** The env of requests that have none. */
  readonly defaultEnv: string | undefined
  /** The envs that `--env` restricts the batch to. Empty without `--env`. */
  readonly envs: readonly string[]
  /** Undefined if nothing is pruned. */
  readonly prune: PruneScope | undefined
  /** How many items are processed at once. */
  readonly parallel: number
}

interface BatchLimits {
  /** How many items are processed at once by default. */
  readonly parallel: number
  readonly maxParallel: number
  /** The maximum number of deletions by default. */
  readonly pruneMax: number
}

/** Reads the options of a batch. Throws `invalid` with every problem. */
export function readBatchOptions(context: InputContext, options: BatchOptions, limits: BatchLimits): BatchSettings {
  const envs = givenEnvs(context)
  const prunes = options.prune === true || options.pruneAll === true
  const problems: FieldProblem[] = []
  if (options.prune === true && options.pruneAll !== true && envs.length === 0) {
    problems.push({ field: 'prune', message: 'needs --env ENV to say where to delete, or use --prune-all' })
  }
  if (!prunes && options.pruneMax !== undefined) problems.push({ field: 'prune-max', message: 'needs --prune' })
  const report = (problem: FieldProblem) => problems.push(problem)
  const max = wholeNumber(options.pruneMax, {
    field: 'prune-max',
    range: [0, 1_000_000],
    preset: limits.pruneMax,
    report,
  })
  const parallel = wholeNumber(options.parallel, {
    field: 'parallel',
    range: [1, limits.maxParallel],
    preset: limits.parallel,
    report,
  })
  if (problems.length) throw invalid('Invalid command line.', problems)
  return {
    files: options.file,
    allowFrom: options.allowFrom,
    allowPlaceholder: options.allowPlaceholder,
    defaultEnv: envs.length ? onlyOne(envs) : context.settings().get('env'),
    envs,
    prune: prunes ? { envs, max } : undefined,
    parallel,
  }
}

function onlyOne(envs: readonly string[]): string | undefined {
  return envs.length === 1 ? envs[0] : undefined
}
