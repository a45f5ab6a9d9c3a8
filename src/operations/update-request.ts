import type { DataSource } from '../domain/data-source.ts'
import type { Credentials } from '../domain/secret.ts'
import type { Ref } from '../ports/lookup.ts'
import type { WithCredentials } from './credentials.ts'
import type { Expected } from './get-expected.ts'

export interface UpdateRequest {
  readonly ref: Ref
  /** The new name and env. Undefined leaves them as they are. */
  readonly name: string | undefined
  readonly env: string | undefined
  /** By field name or alias, as given. Every secret is fetched. Validated once the type is known. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly unset: readonly string[]
  /** The id and type that the request itself contains. */
  readonly expected: Expected
  /** With --verify: the credentials that were tested. The update stores exactly these. */
  readonly verified?: Credentials
}

/** The data source after an update. `changed` holds the names of the changed fields: empty if nothing differed. */
export interface UpdateResult extends WithCredentials {
  readonly changed: readonly string[]
}

/** Returns which of `name` and `env` an update changes. */
export function changedPlainFields(
  { name, env }: Pick<UpdateRequest, 'name' | 'env'>,
  record: Pick<DataSource, 'name' | 'env'>,
): string[] {
  const changes = (given: string | undefined, present: string) => given !== undefined && given !== present
  return [...(changes(name, record.name) ? ['name'] : []), ...(changes(env, record.env) ? ['env'] : [])]
}
