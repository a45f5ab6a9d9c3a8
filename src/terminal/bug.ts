/** An error that nobody caught, which a driver may have thrown in a callback: nothing of its message is shown. */
export class UncaughtError extends Error {
  constructor(error: unknown) {
    super('nobody caught it', { cause: error })
  }
}

/**
 * What an unforeseen error says, less what may be a value it met: such a message was not written to be shown, and those
 * of parsers and of Node's own checks quote their input.
 */
export function bugMessage(thrown: unknown): string {
  const error = thrown instanceof UncaughtError ? thrown.cause : thrown
  if (!(error instanceof Error)) return `something that is not an error was thrown: a value of type ${typeof error}`
  const code = 'code' in error && /^[A-Z][A-Z0-9_]+$/.test(String(error.code)) ? ` (${error.code})` : ''
  return `${nameOf(error)}${code}: ${thrown !== error || isForeign(error) ? 'its message is withheld, since it may quote a value' : safe(error.message)}`
}

/** Where an unforeseen error came from: the frames of its stack alone, since its head repeats a message. */
export function bugStack(thrown: unknown): string[] {
  const error = thrown instanceof UncaughtError ? thrown.cause : thrown
  if (!(error instanceof Error) || !error.stack) return []
  const head = `${error.name}: ${error.message}`
  const frames = error.stack.startsWith(head) ? error.stack.slice(head.length) : error.stack.replace(error.message, '')
  return frames
    .split('\n')
    .filter(line => /^ {4}at .*(:\d+|<anonymous>|native)\)?$/.test(line))
    .map(line => line.trim())
}

// A driver may name its errors as it likes.
function nameOf({ name }: Error): string {
  return /^\w*(Error|Exception)$/.test(name) ? name : 'Error'
}

// Node's own errors and those of drivers have a code or other properties; plain ones are this program's and the engine's.
function isForeign(error: Error): boolean {
  return error instanceof SyntaxError || 'code' in error || Object.keys(error).length > 0
}

function safe(message: string): string {
  return message
    .replace(/\/\/[^\s]*@/g, '//…@')
    .replace(/".*"/s, '"…"')
    .replace(/\bReceived .*/s, 'Received …')
}
