import type { DataSource } from '../domain/data-source.ts'
import { DsctlError } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import type { Stores } from './stores.ts'

/** A record with its credentials (null if they cannot be read), and warnings for the user. */
export interface WithCredentials {
  readonly record: DataSource
  readonly credentials: Credentials | null
  readonly warnings: readonly string[]
}

/** Reads the credentials after a change. If reading fails, returns null and a warning, since the change is complete. */
export async function readCredentials(stores: Stores, record: DataSource): Promise<WithCredentials> {
  try {
    return await readStored(stores, record)
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    return { record, credentials: null, warnings: [`The credentials could not be read: ${error.message}`] }
  }
}

/**
 * Reads the credentials. If the token may not read them, returns null and a warning. Throws if Vault is unavailable.
 */
export async function readStored(stores: Stores, record: DataSource): Promise<WithCredentials> {
  try {
    const { data } = await stores.secrets.read(record)
    return { record, credentials: data, warnings: data ? [] : [missing(record)] }
  } catch (error) {
    if (!(error instanceof DsctlError && error.code === 'forbidden')) throw error
    return {
      record,
      credentials: null,
      warnings: ['The credentials are not shown: the Vault token is not allowed to read them.'],
    }
  }
}

function missing({ id }: DataSource): string {
  return `The data source has no credentials in Vault. Run dsctl update ${id} with all its fields to write the credentials again.`
}
