import type { DataSource } from '../domain/data-source.ts'
import { DsctlError } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import type { Stores } from './stores.ts'

/** A record with its credentials, null where they can't be read, and what a user should be warned of. */
export interface WithCredentials {
  readonly record: DataSource
  readonly credentials: Credentials | null
  readonly warnings: readonly string[]
}

/** A change that is done is not failed by a Vault that can't be read: the answer then has no credentials. */
export async function readCredentials(stores: Stores, record: DataSource): Promise<WithCredentials> {
  try {
    return await readStored(stores, record)
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    return { record, credentials: null, warnings: [`The credentials cannot be shown: ${error.message}`] }
  }
}

/** Throws where Vault gives no answer; a token that may not read them gets none, with a warning. */
export async function readStored(stores: Stores, record: DataSource): Promise<WithCredentials> {
  try {
    const { data } = await stores.secrets.read(record)
    return { record, credentials: data, warnings: data ? [] : [missing(record)] }
  } catch (error) {
    if (!(error instanceof DsctlError && error.code === 'forbidden')) throw error
    return {
      record,
      credentials: null,
      warnings: ['The credentials are not shown: the Vault token may not read them.'],
    }
  }
}

function missing({ id }: DataSource): string {
  return `It has no credentials in Vault. dsctl update ${id}, with all its fields, writes them anew.`
}
