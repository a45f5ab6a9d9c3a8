import { hostname } from 'node:os'
import type { Backends } from '../backends/backends.ts'
import { invalid } from '../domain/errors.ts'
import { once } from '../lib/once.ts'
import type { Clock, Stores } from '../operations/stores.ts'
import type { Backend } from '../ports/backend.ts'
import type { Caller, Role } from '../ports/caller.ts'
import { embeddedFolder } from '../settings/profiles.ts'
import { saveProfile, useProfile } from '../settings/save.ts'
import { EMBEDDED_PROFILE, readSettings } from '../settings/settings.ts'
import { credentialFiles } from '../settings/vault-token.ts'
import { isInteractive } from '../terminal/is-interactive.ts'
import { printNote, printVerbose, printWarning } from '../terminal/messages.ts'
import { loadPrinter, printView } from '../terminal/output.ts'
import type { Streams } from '../terminal/streams.ts'
import type { Context } from './context.ts'
import { type GlobalOptions, outputFormat, settingFlags, timeoutMs } from './global-options.ts'
import type { Interruption } from './interruption.ts'

interface ContextOptions {
  readonly streams: Streams
  readonly version: string
  readonly interruption: Interruption
  readonly options: GlobalOptions
}

/** The real Context. It opens each store when it is first needed and closes what it has opened. */
export function openContext({ streams, version, interruption, options }: ContextOptions): Context {
  const client = `dsctl ${version} on ${hostname()}`
  let readCurrent = once(() => readSettings(settingFlags(options), streams.env))
  const context: Context = {
    streams,
    version,
    options,
    changed: undefined,
    settings: () => readCurrent(),
    overrideSettings: (flags, readOptions) => {
      readCurrent = once(() => readSettings({ ...settingFlags(options), ...flags }, streams.env, readOptions))
    },
    saveProfile: (name, values) => saveProfile(context.settings(), name, values),
    useProfile: name => useProfile(context.settings(), name),
    reopen: async () => {
      const before = opened
      opened = undefined
      await (await before?.catch(() => undefined))?.close() // a failure to open has been reported already
    },
    records: async roles => {
      // Wait for this before calling callerFor: a failure of callerFor in the meantime would be an unhandled rejection.
      const open = await backends()
      const [caller, records] = await Promise.all([callerFor(roles), open.records()])
      return { caller, records }
    },
    stores: async (roles, concurrently) => {
      const open = await backends()
      const secrets = await open.secrets()
      const more = concurrently?.({ secrets })
      more?.catch(() => {}) // awaited below: if the token is rejected, callerFor is to report it first
      const [caller, records] = await Promise.all([callerFor(roles), open.records()])
      await more
      return { ...operationContext(context, interruption, client), caller, records, secrets }
    },
    members: async roles => {
      const open = await backends()
      const [caller, members] = await Promise.all([callerFor(roles), open.members()])
      return { caller, members }
    },
    templates: async roles => {
      const open = await backends()
      const [caller, templates] = await Promise.all([callerFor(roles), open.templates()])
      return { caller, templates }
    },
    auditTrail: async roles => {
      const open = await backends()
      const [caller, trail] = await Promise.all([callerFor(roles), open.auditTrail()])
      return { caller, trail }
    },
    onboarding: async () => (await backends()).onboarding(),
    identity: async () => (await backends()).identity(),
    logins: async () => (await backends()).logins(),
    health: async () => (await backends()).health(),
    setup: async () => (await backends()).setup(),
    connections: async () => {
      const { connectionTester } = await import('../connectors/connection-tester.ts')
      const trace = (call: string, ms: number) => printVerbose(streams, `${call} ${ms.toFixed(1)} ms`)
      return connectionTester({ timeoutMs: timeoutMs(options, streams.env), signal: ended.signal, trace })
    },
    checkVault: async organizationId => (await backends()).checkVault(organizationId),
    readStdin: once(() => readAll(streams)),
    readSecret: once(async (label: string, lines: 'one' | 'several') => {
      if (!streams.stdin.isTTY) return context.readStdin()
      const prompter = await context.prompter()
      const secret = await (lines === 'one' ? prompter?.askSecret(label) : prompter?.pasteSecret(label))
      return secret && Buffer.from(secret.reveal())
    }),
    readVaultField: async (path, field) => (await (await backends()).secrets()).readField(path, field),
    credentialFiles: () => credentialFiles(streams.env),
    readOnlyUntilCommit: () => interruption.readOnlyUntilCommit(),
    uninterruptible: operation => interruption.uninterruptible(operation),
    interruptible: work => interruption.interruptible(work),
    prompter: async () => {
      if (!isInteractive(streams)) return undefined
      const { createPrompter } = await import('../terminal/prompter.ts')
      return createPrompter(streams)
    },
    print: async (view, format = outputFormat(context.settings())) => {
      if (interruption.isEnding()) return
      if (view.kind !== 'pages' && view.kind !== 'documents') return printView(streams, format, view)
      const { printStream } = await import('../terminal/print-stream.ts')
      await printStream(streams, format, { view, isEnding: interruption.isEnding })
    },
    note: text => {
      if (!interruption.isEnding()) printNote(streams, text)
    },
    warn: text => printWarning(streams, text),
    close: async () => {
      ended.abort()
      await context.reopen()
    },
  }

  const ended = new AbortController()
  let opened: Promise<Backends> | undefined
  const backends = () => {
    opened ??= openBackends(context, client)
    return opened
  }
  const callerFor = async (roles: readonly Role[]): Promise<Caller> => {
    const printer = loadPrinter(streams, outputFormat(context.settings()))
    printer.catch(() => {}) // awaited below
    const { email, source } = await context.identity()
    await printer
    return { email, identitySource: source, organization: context.settings().get('org'), roles }
  }
  return context
}

async function openBackends({ settings, options, streams, note, warn }: Context, client: string): Promise<Backends> {
  outputFormat(settings()) // an invalid format is reported before anything is done
  const backend: Backend = {
    timeoutMs: timeoutMs(options, streams.env),
    trace: (call, ms) => printVerbose(streams, `${call} ${ms.toFixed(1)} ms`),
  }
  if (settings().profile !== EMBEDDED_PROFILE) {
    const { openServers } = await import('../backends/open-servers.ts')
    return openServers({ settings: settings(), env: streams.env, backend, client, warn })
  }
  const { openEmbedded } = await import('../backends/open-embedded.ts')
  const local = { folder: embeddedFolder(streams.env), user: settings().get('user'), uid: process.getuid?.() }
  return openEmbedded({ ...local, backend, client, note })
}

function operationContext(
  { options, streams }: Context,
  interruption: Interruption,
  client: string,
): Omit<Stores, 'caller' | 'records' | 'secrets'> {
  return {
    clock: CLOCK,
    timeoutMs: timeoutMs(options, streams.env),
    process: `${client}, process ${process.pid}`,
    interrupted: interruption.requested,
  }
}

const CLOCK: Clock = {
  now: () => performance.now(),
  sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
  random: Math.random,
}

async function readAll({ stdin }: Streams): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of stdin) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      // The input may be endless. The caller rejects input of this length.
      if (bytes > MAX_STDIN_BYTES) break
    }
  } catch (error) {
    throw invalid(`Standard input cannot be read (${String((error as { code?: unknown }).code)}).`)
  }
  return Buffer.concat(chunks)
}

/** More than any command accepts. */
const MAX_STDIN_BYTES = 65 * 1024 * 1024
