/**
 * The default of `--parallel`: how many items `apply` and `diff` process at a time, and how many Vault calls may run at
 * once.
 */
export const DEFAULT_PARALLEL = 16

/** The largest `--parallel`. */
export const MAX_PARALLEL = 128

/** How many chunks `apply` runs at a time: two, so that one waits for Vault while the other waits for Postgres. */
export const PIPELINES = 2

/** How long a step waits for others that can be sent in the same statement, in milliseconds. */
export const MAX_WAIT_MS = 250

/** The default of `--prune-max`: how many data sources `--prune` may delete. */
export const DEFAULT_PRUNE_MAX = 10

/** How many data sources `delete` deletes at a time. */
export const PARALLEL_DELETES = 8

/** How many connections `test` opens at a time. */
export const PARALLEL_TESTS = 8

/** How many secrets `export` and `doctor` read or remove at a time. */
export const PARALLEL_SECRETS = 16

/** How many intents `doctor --fix` settles at a time. */
export const PARALLEL_SETTLES = 8

/** How many credentials `export` holds in memory. */
export const EXPORT_CHUNK = 256
