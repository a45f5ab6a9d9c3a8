import type { Stores } from '../stores.ts'

/** The length of a lease: three times the time-out. Until it expires, other processes do not settle the intent. */
export function leaseSeconds({ timeoutMs }: Pick<Stores, 'timeoutMs'>): number {
  return (3 * timeoutMs) / 1000
}
