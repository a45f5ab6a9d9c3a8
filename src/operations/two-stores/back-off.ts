import type { Stores } from '../stores.ts'

/** Sleeps before a retry: at most 1.5 seconds, exponential in `tries`, with jitter. */
export function backOff({ clock }: Pick<Stores, 'clock'>, tries: number): Promise<void> {
  return clock.sleep(Math.min(1000, 25 * 2 ** tries) * (0.5 + clock.random()))
}
