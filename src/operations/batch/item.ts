import type { NameAndEnv } from '../../domain/data-source.ts'
import type { Secret } from '../../domain/secret.ts'

/**
 * One request of a batch, valid and complete. A value that is a mask, such as `[REDACTED]`, keeps the stored secret.
 */
export interface BatchItem extends NameAndEnv {
  readonly type: string
  readonly fields: Readonly<Record<string, Secret>>
}
