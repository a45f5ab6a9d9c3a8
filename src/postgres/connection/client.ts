import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { asPgSocket, REQUESTED_TLS } from '../../lib/postgres-login.ts'
import { checkMessages } from '../../lib/postgres-messages/check-messages.ts'
import { UnsupportedLogin } from '../../lib/postgres-messages/invalid-message.ts'
import { type AuthRequest, authRefusal } from './auth-policy.ts'
import { isEncrypted } from './open-stream.ts'
import { passwordFor } from './password.ts'
import { type ConnectionSettings, describeTarget } from './settings.ts'
import { sessionProblem } from './target-session.ts'

/** A client could not connect. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed'
  /** Whether the connection was encrypted when it failed. */
  readonly encrypted: boolean
  /** Whether the server ended the login with an error message. */
  readonly refused: boolean

  constructor(cause: unknown, { encrypted, refused }: { encrypted: boolean; refused: boolean }) {
    super('The connection failed.', { cause })
    this.encrypted = encrypted
    this.refused = refused
  }
}

// The parts of pg's client that its types leave out.
interface Internals {
  readonly connection: NodeJS.EventEmitter & { stream: Duplex }
  readonly connectionParameters: Record<string, unknown>
  enableChannelBinding: boolean
}

type Callback = ((error: Error) => void) | ((error: null, client: pg.Client) => void)

/**
 * A class of clients for pg's pool. Each opens its own connection with `open`, checks how the server authenticates it,
 * and uses no settings but the given ones: pg itself would read PG* variables, and print a warning for ~/.pgpass.
 */
export function clientClass(settings: ConnectionSettings, open: () => Promise<Duplex>): new () => pg.Client {
  return class extends pg.Client {
    readonly #login = new LoginState()

    constructor() {
      super({
        ...{ host: 'localhost', port: settings.port, user: settings.user, database: settings.database },
        ...{ password: () => this.#password(), stream: () => new Socket(), ssl: false, client_encoding: 'utf8' },
        ...{ sslnegotiation: REQUESTED_TLS, scramMaxIterations: MAX_ITERATIONS },
      } as pg.ClientConfig)
      const { options = '', applicationName } = settings
      const given = { options, application_name: applicationName, fallback_application_name: '', replication: '' }
      Object.assign(this.#internals.connectionParameters, given)
      checkMessages(this)
      this.on('error', () => {}) // the pending login or statement rejects with it
    }

    get #internals(): Internals {
      return this as unknown as Internals
    }

    override connect(): Promise<pg.Client>
    override connect(callback: Callback): void
    override connect(callback?: Callback): Promise<pg.Client> | undefined {
      const connected = this.#connect()
      if (!callback) return connected
      const done = callback as (error: Error | null, client?: pg.Client) => void
      connected.then(client => done(null, client), done)
      return undefined
    }

    async #connect(): Promise<pg.Client> {
      const stream = await open()
      const encrypted = isEncrypted(stream)
      const { connection } = this.#internals
      connection.stream = asPgSocket(stream)
      this.#internals.enableChannelBinding = encrypted && settings.channelBinding !== 'disable'
      this.#login.watch(connection, encrypted)
      let refusal: Error | undefined
      connection.once('authenticationOk', () => {
        refusal = authRefusal(settings, this.#login.result, describeTarget(settings))
        if (refusal) stream.destroy(refusal)
      })
      try {
        await super.connect()
        if (refusal) throw refusal // the rest of the login came in the same packet
      } catch (error) {
        throw new ConnectFailed(this.#refusal(error) ?? error, { encrypted, refused: this.#login.refused })
      }
      const problem = await sessionProblem(settings, this.#login.parameters, this)
      if (!problem) return this
      stream.destroy()
      throw problem
    }

    #refusal(error: unknown): Error | undefined {
      return error instanceof UnsupportedLogin
        ? authRefusal(settings, { method: error.method, bound: false }, describeTarget(settings))
        : undefined
    }

    /** Called when the server asks for a password. */
    #password(): string {
      const refusal = authRefusal(settings, this.#login.request, describeTarget(settings))
      if (refusal) throw refusal
      return passwordFor(settings)
    }
  }
}

// More would keep the processor busy for minutes. pg's own limit is lower than what a server may ask for.
const MAX_ITERATIONS = 10_000_000

/** The state of a login, from the messages of the server so far. */
class LoginState {
  request: AuthRequest = { method: 'none', bound: false }
  /** Whether it has ended the login with an error message. */
  refused = false
  readonly parameters = new Map<string, string>()
  #proven = false

  /**
   * How the server has authenticated the client. SCRAM counts once the server has proven that it knows the password.
   */
  get result(): AuthRequest {
    const isIncomplete = this.request.method === 'scram-sha-256' && !this.#proven
    return isIncomplete ? { method: 'none', bound: false } : this.request
  }

  watch(connection: NodeJS.EventEmitter, encrypted: boolean): void {
    let ended = false
    const ask = (method: string, bound = false) => {
      this.request = { method, bound }
    }
    connection.on('authenticationCleartextPassword', () => ask('password'))
    connection.on('authenticationMD5Password', () => ask('md5'))
    connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: readonly string[] }) => {
      const bound = encrypted && mechanisms.includes('SCRAM-SHA-256-PLUS')
      const isScram = bound || mechanisms.includes('SCRAM-SHA-256')
      ask(isScram ? 'scram-sha-256' : mechanisms.includes('OAUTHBEARER') ? 'oauth' : 'other', bound)
    })
    connection.on('authenticationSASLFinal', () => {
      this.#proven = true
    })
    connection.once('authenticationOk', () => {
      ended = true
    })
    connection.on('parameterStatus', ({ parameterName: name, parameterValue: value }: Record<string, string>) => {
      this.parameters.set(String(name), String(value))
    })
    connection.on('errorMessage', () => {
      this.refused ||= !ended
    })
  }
}
