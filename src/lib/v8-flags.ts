import { setFlagsFromString } from 'node:v8'

interface Flag {
  readonly flag: string
  /** The first and the last major version of V8 that has it, as far as this was tried. Another says so on stderr. */
  readonly majors: readonly [number, number]
}

const FLAGS = {
  /** Keeps WebAssembly as it is compiled first. Node 20 to 26. */
  compileOnce: { flag: '--liftoff-only', majors: [11, 14] },
  /** Compiles JavaScript anew only after nine times as much of it has run. Node 20; later ones take their time anyway. */
  compileLate: { flag: '--interrupt-budget=600000', majors: [11, 11] },
} as const satisfies Record<string, Flag>

/**
 * Tells V8 that this process does not live long. Else it compiles what is used much a second time, on cores that a
 * command and its servers need, for a speed that comes when the command is done.
 */
export function setV8Flag(what: keyof typeof FLAGS): void {
  const { flag, majors } = FLAGS[what]
  const major = Number.parseInt(process.versions.v8, 10)
  if (majors[0] <= major && major <= majors[1]) setFlagsFromString(flag)
}
