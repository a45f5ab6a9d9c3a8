import { DsctlError, INTERRUPTIONS, type InterruptionCode } from '../domain/errors.ts'
import type { Stores } from './stores.ts'

/** Throws if the user has interrupted the command. `consequence` ends the message; by default 'nothing was changed.' */
export function throwIfInterrupted(stores: Pick<Stores, 'interrupted'>, consequence?: string): void {
  const code = stores.interrupted()
  if (code) throw interruptionError(code, consequence)
}

/** The error of an interrupted operation. `consequence` ends the message: what was left, and what to do. */
export function interruptionError(code: InterruptionCode, consequence = 'nothing was changed.'): DsctlError {
  return new DsctlError(code, `${INTERRUPTIONS[code]}: ${consequence}`)
}
