/**
 * What an unforeseen error says, less what may be a value it met: such a message was not written to be shown, and those
 * of parsers and of Node's own checks quote their input.
 */
export function bugMessage(error: unknown): string {
  if (!(error instanceof Error)) return `something that is not an error was thrown: a value of type ${typeof error}`
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
  return `${error.name}${code}: ${isForeign(error) ? 'its message is withheld, since it may quote a value' : safe(error.message)}`
}

/** Where an unforeseen error came from: the frames of its stack alone, since its head repeats the message. */
export function bugStack(error: unknown): string[] {
  if (!(error instanceof Error) || !error.stack) return []
  const head = `${error.name}: ${error.message}`
  const frames = error.stack.startsWith(head) ? error.stack.slice(head.length) : error.stack.replace(error.message, '')
  return frames
    .split('\n')
    .filter(line => /^ {4}at /.test(line))
    .map(line => line.trim())
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
