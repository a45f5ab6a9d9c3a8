import type { NameAndEnv } from '../../domain/data-source.ts'
import type { Secret } from '../../domain/secret.ts'

/** One request of a batch, valid and complete. A mask as value means the stored secret. */
export interface BatchItem extends NameAndEnv {
  readonly type: string
  readonly fields: Readonly<Record<string, Secret>>
}
