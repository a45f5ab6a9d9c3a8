import { setFlagsFromString } from 'node:v8'

interface Flag {
  readonly flag: string
  /** The first and last major version of V8 known to have the flag. Other versions print a warning on stderr. */
  readonly majors: readonly [number, number]
}

const FLAGS = {
  /** Skips the optimizing compiler of WebAssembly. Node 20 to 26. */
  skipWasmOptimization: { flag: '--liftoff-only', majors: [11, 14] },
  /** Optimizes JavaScript nine times later than by default. Node 20 only; newer versions optimize late by default. */
  optimizeLate: { flag: '--interrupt-budget=600000', majors: [11, 11] },
} as const satisfies Record<string, Flag>

/**
 * Sets a V8 flag for a short-lived process. By default V8 optimizes frequently used code in the background. That takes
 * CPU time from the command and its servers, and the faster code is ready only when the command has ended.
 */
export function setV8Flag(name: keyof typeof FLAGS): void {
  const { flag, majors } = FLAGS[name]
  const major = Number.parseInt(process.versions.v8, 10)
  if (majors[0] <= major && major <= majors[1]) setFlagsFromString(flag)
}
