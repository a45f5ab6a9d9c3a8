/** An uncaught error, for example from a driver's callback. Its message is never shown. */
export class UncaughtError extends Error {
  constructor(error: unknown) {
    super('uncaught error', { cause: error })
  }
}

/**
 * The message of an unexpected error, without anything that may be a value. Messages of parsers and of Node's argument
 * checks quote their input, which may be a secret.
 */
export function bugMessage(thrown: unknown): string {
  const error = thrown instanceof UncaughtError ? thrown.cause : thrown
  if (!(error instanceof Error)) return `a value of type ${typeof error} was thrown, not an error`
  const code = 'code' in error && /^[A-Z][A-Z0-9_]+$/.test(String(error.code)) ? ` (${error.code})` : ''
  return `${nameOf(error)}${code}: ${thrown !== error || isForeign(error) ? 'its message is withheld because it may contain a secret' : safe(error.message)}`
}

/** The stack frames of an unexpected error, without the first lines of the stack, which repeat the message. */
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

// A driver may give its errors any name, so names that do not look like one are not printed.
function nameOf({ name }: Error): string {
  return /^\w*(Error|Exception)$/.test(name) ? name : 'Error'
}

// Errors of Node and of drivers have a code or other properties. Errors without any come from dsctl or from V8.
function isForeign(error: Error): boolean {
  return error instanceof SyntaxError || 'code' in error || Object.keys(error).length > 0
}

function safe(message: string): string {
  return message
    .replace(/\/\/[^\s]*@/g, '//…@')
    .replace(/".*"/s, '"…"')
    .replace(/\bReceived .*/s, 'Received …')
}
