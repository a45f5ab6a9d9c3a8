import { Duplex } from 'node:stream'
import { ConnectionFailure } from './connection-failure.ts'
import { type Address, formatAddress } from './driver.ts'

const HEADER_BYTES = 8
const RESPONSE_PACKET = 4
const ENCRYPTION_OPTION = 1
const END_OF_OPTIONS = 0xff
/** ENCRYPT_ON and ENCRYPT_REQ: the connection will be encrypted. */
const ENCRYPTED = [1, 3]

interface PreloginCheck {
  readonly address: Address
  readonly encrypt: boolean
  readonly onFailure: (failure: ConnectionFailure) => void
}

/**
 * Wraps a connection for tedious. Closes the connection if the server's first response is not that of a SQL Server, or
 * if the response declines TLS although `encrypt` is set: tedious would then send the password in plain text. Source:
 * MS-TDS, "PRELOGIN".
 */
export function guardPrelogin(stream: Duplex, check: PreloginCheck): Duplex {
  let received: Buffer = Buffer.alloc(0)
  let accepted = false
  const guarded = new Duplex({
    read() {},
    write: (chunk, _, done) => void stream.write(chunk, done),
    final: done => void stream.end(done),
    destroy: (error, done) => {
      stream.destroy()
      done(error)
    },
  })
  stream.on('data', (chunk: Buffer) => {
    received = accepted ? chunk : Buffer.concat([received, chunk])
    const verdict = accepted || checkResponse(received, check)
    if (verdict === undefined) return
    if (verdict !== true) {
      check.onFailure(verdict)
      return void guarded.destroy(verdict)
    }
    accepted = true
    guarded.push(received)
  })
  stream.on('end', () => guarded.push(null))
  stream.on('close', () => guarded.destroy())
  const noop = () => guarded
  return Object.assign(guarded, { setKeepAlive: noop, setNoDelay: noop, setTimeout: noop })
}

/** True if the response is acceptable, undefined if it is not complete yet. */
function checkResponse(response: Buffer, { address, encrypt }: PreloginCheck): true | ConnectionFailure | undefined {
  if (response[0] !== RESPONSE_PACKET) return notSqlServer(address)
  if (response.length < HEADER_BYTES) return undefined
  const length = response.readUInt16BE(2)
  if (length < HEADER_BYTES + 1) return notSqlServer(address)
  if (response.length < length) return undefined
  const encryption = encryptionIn(response.subarray(HEADER_BYTES, length))
  if (!encrypt || (encryption !== undefined && ENCRYPTED.includes(encryption))) return true
  return new ConnectionFailure('tls_failed', 'The server does not support TLS, but encrypt requires it.')
}

function notSqlServer(address: Address): ConnectionFailure {
  const message = `${formatAddress(address)} answered, but is not a SQL Server. Check host and port.`
  return new ConnectionFailure('failed', message)
}

function encryptionIn(options: Buffer): number | undefined {
  for (let at = 0; at + 5 <= options.length && options[at] !== END_OF_OPTIONS; at += 5) {
    if (options[at] === ENCRYPTION_OPTION) return options[options.readUInt16BE(at + 1)]
  }
  return undefined
}
