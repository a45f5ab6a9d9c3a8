import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { requestTls } from '../../lib/postgres-login.ts'
import { startTls } from '../../lib/start-tls.ts'
import { type Encryption, encryptionAttempts } from './encryption.ts'
import type { ConnectionSettings } from './settings.ts'
import { postgresTlsOptions } from './tls.ts'

/** TLS could not be started. libpq then tries again without TLS if sslmode is `prefer`. */
export class TlsNotStarted extends Error {
  override readonly name = 'TlsNotStarted'
  /** The behaviour of the server that is the reason; undefined if `cause` explains the failure. */
  readonly reason: string | undefined

  constructor(reason: string | undefined, cause?: unknown) {
    super('TLS could not be started.', { cause })
    this.reason = reason
  }
}

export interface OpenOptions {
  readonly encryption: Encryption
  readonly timeoutMs: number
  /** Called with the socket before it connects. */
  readonly track: (socket: Socket) => void
}

/** Connects to the server and starts TLS if requested. Rejects with TlsNotStarted or the error of the socket. */
export async function openStream(settings: ConnectionSettings, options: OpenOptions): Promise<Duplex> {
  // Reads the certificates first, so that an unusable file is reported even if the server cannot be reached.
  const tls = options.encryption === 'tls' ? postgresTlsOptions(settings) : undefined
  const socket = connect(settings.address)
  options.track(socket)
  const timer = setTimeout(() => socket.destroy(new Error('timeout expired')), options.timeoutMs)
  try {
    await connected(socket, settings)
    if (!tls) return socket
    if (settings.tls.startsDirectly) return await startDirectly(socket, tls)
    const answer = await requestTls(socket)
    if (answer === 'N' && encryptionAttempts(settings).includes('plain')) return socket
    if (answer !== 'S') throw new TlsNotStarted(describeAnswer(answer))
    return await handshake(socket, tls)
  } catch (error) {
    const failure = socket.errored ?? error
    socket.destroy()
    throw failure
  } finally {
    clearTimeout(timer)
  }
}

/** Whether a stream is encrypted. */
export function isEncrypted(stream: Duplex): boolean {
  return stream instanceof TLSSocket
}

function connected(socket: Socket, { address, keepAlive }: ConnectionSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject) // without a listener, a later error would end the process
    socket.once('close', () => reject(new Error('The socket was closed.'))) // by the end of the command
    socket.once('connect', () => {
      if ('host' in address) socket.setNoDelay(true).setKeepAlive(keepAlive.enabled, keepAlive.idleSeconds * 1000)
      resolve()
    })
  })
}

function describeAnswer(answer: string | undefined): string {
  if (answer === 'N') return 'the server does not support TLS, and sslmode requires it'
  if (answer?.startsWith('E')) return 'the server refused to start TLS'
  return answer === undefined ? 'it closed the connection, or is not a Postgres server' : 'it is not a Postgres server'
}

async function startDirectly(socket: Socket, options: Parameters<typeof startTls>[1]): Promise<Duplex> {
  const encrypted = await handshake(socket, options)
  if (encrypted.alpnProtocol === 'postgresql') return encrypted
  throw new TlsNotStarted('the server does not support sslnegotiation=direct')
}

async function handshake(socket: Socket, options: Parameters<typeof startTls>[1]): Promise<TLSSocket> {
  try {
    return await startTls(socket, options)
  } catch (error) {
    if (socket.errored?.message === 'timeout expired') throw socket.errored
    throw new TlsNotStarted(undefined, error)
  }
}
