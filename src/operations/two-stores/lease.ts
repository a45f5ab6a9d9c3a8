import type { Stores } from '../stores.ts'

/** For how many seconds other processes leave the owner of an intent alone: three times the time-out. */
export function leaseSeconds({ timeoutMs }: Pick<Stores, 'timeoutMs'>): number {
  return (3 * timeoutMs) / 1000
}
