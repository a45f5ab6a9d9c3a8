import { isDeepStrictEqual } from 'node:util'
import type { Credentials } from '../../domain/secret.ts'
import type { IntentOutcome } from '../../ports/intent.ts'
import type { SecretLocation } from '../../ports/secrets.ts'
import type { Stores } from '../stores.ts'

/**
 * Rolls back the secret of an update, as in the settle table of docs/protocol.md. Returns the outcome to close the
 * intent with. After a write, returns undefined: run another pass, since only reading shows whether the write took
 * effect.
 */
export async function restoreSecret(
  stores: Stores,
  at: SecretLocation,
  base: number,
): Promise<IntentOutcome | undefined> {
  const { secrets } = stores
  const now = await secrets.read(at)
  const before = base === 0 ? null : await secrets.readVersion(at, base)
  const ahead = now.version - base
  if (before === 'gone' || ahead < 0 || ahead > 2) return 'unknown'
  if (ahead === 0) {
    await secrets.write(at, before ?? {}, base) // The fence: a late write of the secret now fails.
    return undefined
  }
  if (sameCredentials(now.data, before)) return 'none'
  if (ahead !== 1) return 'unknown'
  if (before) await secrets.write(at, before, base + 1)
  else await secrets.softDelete(at, base + 1)
  return undefined
}

/** Compares the data of two versions. Null is a soft-deleted version, which differs from `{}`. */
export function sameCredentials(a: Credentials | null, b: Credentials | null): boolean {
  return isDeepStrictEqual(revealed(a), revealed(b))
}

function revealed(credentials: Credentials | null): unknown {
  return credentials && Object.fromEntries(Object.entries(credentials).map(([name, value]) => [name, value.reveal()]))
}
