import { PassThrough } from 'node:stream'
import { CommanderError } from 'commander'
import type { Context } from './cli/context.ts'
import { envOfSettings } from './cli/env-of-settings.ts'
import type { GlobalOptions } from './cli/global-options.ts'
import { listenForInterruption, type Signals, type StopSignal } from './cli/interruption.ts'
import { openContext } from './cli/open-context.ts'
import { DsctlError, ERROR_CODES } from './domain/errors.ts'
import { isMissingModule } from './lib/missing-module.ts'
import { addCommands, createProgram } from './program.ts'
import { UncaughtError } from './terminal/bug.ts'
import { ignoreClosedPipes } from './terminal/closed-pipes.ts'
import { hasCollectedMessages, printCollectedMessages } from './terminal/collected-messages.ts'
import { closeLostTerminal } from './terminal/lost-terminal.ts'
import { printError } from './terminal/messages.ts'
import type { JobControl, Streams } from './terminal/streams.ts'

/** The part of the process that the program uses. */
export interface Host extends Pick<Streams, 'stdin' | 'stdout' | 'stderr' | 'env'>, Signals {
  readonly argv: readonly string[]
  on(event: StopSignal | 'SIGCONT' | 'exit', listener: () => void): unknown
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown
  removeListener(signal: 'SIGCONT', listener: () => void): unknown
  kill(pid: number, signal: 'SIGTSTP'): unknown
}

/** Runs a command line and returns the exit code. Every error ends here. */
export async function run(host: Host, version: string): Promise<number> {
  const args = host.argv.slice(2)
  const { stdin, stdout, stderr, env } = host
  const program = createProgram(stdout, version)
  const options = program.opts<GlobalOptions>()
  const collected = { isJson: () => printsJson(context) }
  const streams = { stdin, stdout, stderr, env, options, job: jobOf(host), collected }
  const exit = (code: number) => {
    printCollectedMessages(streams)
    return host.exit(code)
  }
  const interruption = listenForInterruption({ on: (signal, listener) => host.on(signal, listener), exit })
  const context: Context = openContext({ streams, version, interruption, options })
  addCommands(program, context)
  const exitWith = (error: unknown) => {
    printError(streams, error)
    exit(exitCode(error))
  }
  ignoreClosedPipes(streams, error => exitWith(outputError(error, context)))
  host.on('exit', () => closeLostTerminal(streams))
  // By default Node prints the whole error, which may contain a secret. Operations stop as if the process was killed.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    host.on(event, error => exitWith(replacedError(error, context) ?? uncaught(error)))
  }
  try {
    await Promise.race([program.parseAsync(args, { from: 'user' }), interruption.stopped])
    return 0
  } catch (thrown) {
    if (thrown instanceof CommanderError) return 0 // commander has printed help or the version
    const error = replacedError(thrown, context) ?? (await addSuggestion(thrown, context))
    printError(streams, error)
    return exitCode(error)
  } finally {
    await context.close()
    // A failure to write the output belongs into the document.
    if (hasCollectedMessages(streams)) await written(stdout)
    printCollectedMessages(streams)
  }
}

/** Waits until everything was written, or its failure was reported. */
function written(output: Host['stdout']): Promise<void> {
  return new Promise(resolve => output.write('', () => setImmediate(resolve)))
}

function jobOf(host: Host): JobControl {
  return {
    onContinued(listener) {
      host.on('SIGCONT', listener)
      return () => host.removeListener('SIGCONT', listener)
    },
    suspend() {
      try {
        host.kill(0, 'SIGTSTP')
      } catch {
        // Windows does not have this signal.
      }
    },
  }
}

function uncaught(error: unknown): unknown {
  return error instanceof DsctlError ? error : new UncaughtError(error)
}

function outputError(error: Error, { changed }: Context): DsctlError {
  const message = `The output cannot be written: ${String((error as { code?: unknown }).code ?? 'unknown reason')}.`
  return withChange(new DsctlError('unwritten', message), changed)
}

/** The error if a file of dsctl, which is loaded when it is needed, has disappeared. Undefined for any other error. */
function replacedError(error: unknown, { changed }: Context): DsctlError | undefined {
  if (!isMissingModule(error)) return undefined
  const message = 'dsctl was upgraded or removed while this command ran.'
  const hint = 'Run it again. If it fails again, install dsctl again.'
  return withChange(new DsctlError('replaced', message, { hint }), changed)
}

/** The same error, which also says what the command has changed. */
function withChange(error: DsctlError, changed: Context['changed']): DsctlError {
  if (!changed) return error
  const { text, id } = changed
  const hint = id && `Run dsctl get ${id} to see it.`
  return new DsctlError(error.code, `${error.message} ${text}`, { id, hint })
}

async function addSuggestion(error: unknown, context: Context): Promise<unknown> {
  if (!(error instanceof DsctlError) || error.details.unknownName === undefined) return error
  const [{ suggestName }, { MAY }] = await Promise.all([
    import('./operations/suggest-name.ts'),
    import('./operations/authorize.ts'),
  ])
  return suggestName(error, () => context.records(MAY.read), envOfSettings(context))
}

function exitCode(error: unknown): number {
  return ERROR_CODES[error instanceof DsctlError ? error.code : 'bug'].exit
}

/**
 * Whether messages are JSON. Reading the settings may fail too, so they are read only if nothing overrides the format.
 */
function printsJson({ options, streams: { env }, settings }: Context): boolean {
  return (options.output ?? (env.DSCTL_OUTPUT || storedFormat(settings))) === 'json'
}

function storedFormat(settings: Context['settings']): string | undefined {
  try {
    return settings().get('output')
  } catch {
    return undefined
  }
}

/** The output of `dsctl --help`. The build stores it in a file. */
export function helpText(version: string): string {
  const nowhere = new PassThrough()
  const streams = { stdin: nowhere, stdout: nowhere, stderr: nowhere, env: {}, options: {} }
  const stopped = new Promise<never>(() => {})
  const noInterruption = {
    requested: () => undefined,
    isEnding: () => false,
    stopped,
    readOnlyUntilCommit: () => {},
    uninterruptible: runDirectly,
    interruptible: runDirectly,
  }
  const program = createProgram(nowhere, version)
  addCommands(program, openContext({ streams, version, interruption: noInterruption, options: program.opts() }))
  return program.helpInformation()
}

function runDirectly<T>(operation: () => Promise<T>): Promise<T> {
  return operation()
}
