import { DsctlError } from '../domain/errors.ts'

/** The user pressed Ctrl-C, or Ctrl-D on an empty line. If nothing catches it, the command ends. */
export class PromptCancelled extends DsctlError {
  override readonly name = 'PromptCancelled'

  constructor() {
    super('interrupted', 'Interrupted: nothing was changed.')
  }
}

/** The user pressed Escape at a question of a dialogue. The dialogue returns to the previous question. */
export class WentBack extends Error {
  override readonly name = 'WentBack'
}
