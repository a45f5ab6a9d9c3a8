import { DsctlError, ERROR_CODES } from '../domain/errors.ts'
import { bugMessage, bugStack } from './bug.ts'
import { collectError, collectMessage } from './collected-messages.ts'
import { toPrintable } from './printable.ts'
import { listProblems, summarizeProblems } from './problems.ts'
import { type Streams, writeMessage } from './streams.ts'

const REPORT = 'This is a bug in dsctl. Please report it with the command and this stack.'

/**
 * Prints an error on stderr as text, or keeps it for the JSON document. Anything but a DsctlError is a bug and is
 * printed with its stack. An interruption begins on a new line, after the terminal's ^C.
 */
export function printError(streams: Streams, error: unknown): void {
  if (streams.collected?.isJson())
    collectError(streams, error instanceof DsctlError ? errorBody(error) : bugBody(error))
  else if (!(error instanceof DsctlError)) printBug(streams, error)
  else if (error.code === 'interrupted' && streams.stderr.isTTY) writeMessage(streams, `\n${errorText(error)}`)
  else writeMessage(streams, errorText(error))
}

/** Prints a warning on stderr; the command continues. */
export function printWarning(streams: Streams, text: string): void {
  if (collectMessage(streams, 'warnings', text)) return
  writeMessage(streams, `dsctl: warning: ${toPrintable(text)}\n`)
}

/** Prints a line at once, also with `-o json`: the user must read it before they answer a prompt. */
export function printAtPrompt(streams: Streams, text: string): void {
  writeMessage(streams, `${toPrintable(text)}\n`)
}

/** Prints a note on stderr about what was done; nothing with `--quiet`. */
export function printNote(streams: Streams, text: string): void {
  if (streams.options?.quiet || collectMessage(streams, 'notes', text)) return
  writeMessage(streams, `${toPrintable(text)}\n`)
}

/** Prints a detail on stderr, only with `--verbose`. */
export function printVerbose(streams: Streams, text: string): void {
  if (!streams.options?.verbose || collectMessage(streams, 'calls', text)) return
  writeMessage(streams, `${toPrintable(text)}\n`)
}

function errorBody(error: DsctlError): object {
  const { exit, status } = ERROR_CODES[error.code]
  const { id } = error.details
  const { problems, hint } = listProblems(error.details)
  const fields = problems.length ? problems : undefined
  // An operation that has begun sets the outcome. Without one, nothing was changed.
  const outcome = error.details.outcome ?? (error.code === 'unavailable' ? 'none' : undefined)
  return { code: error.code, status, exit_code: exit, message: error.message, hint, fields, outcome, id }
}

function bugBody(error: unknown): object {
  const { exit, status } = ERROR_CODES.bug
  return { code: 'bug', status, exit_code: exit, message: bugMessage(error), hint: REPORT, stack: bugStack(error) }
}

function errorText(error: DsctlError): string {
  const { problems, hint } = summarizeProblems(error.details)
  const lines = [
    `dsctl: ${error.message}`,
    ...problems.map(problem => `  ${problem}`),
    ...(hint ? hint.split('\n') : []),
  ]
  return lines.map(line => `${toPrintable(line)}\n`).join('')
}

function printBug(streams: Streams, error: unknown): void {
  const lines = [`dsctl: ${bugMessage(error)}`, ...bugStack(error).map(frame => `    ${frame}`), REPORT]
  writeMessage(streams, lines.map(line => `${toPrintable(line)}\n`).join(''))
}
