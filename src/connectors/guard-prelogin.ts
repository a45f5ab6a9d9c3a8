import { Duplex } from 'node:stream'
import { ConnectionFailure } from './connection-failure.ts'
import { type Address, formatAddress } from './test-run.ts'

const HEADER = 8
const RESPONSE = 4
const ENCRYPTION = 1
const END_OF_OPTIONS = 0xff
/** The values by which a server says that the connection will be encrypted. */
const ENCRYPTED = [1, 3]

interface Watch {
  readonly at: Address
  readonly encrypt: boolean
  readonly failed: (error: ConnectionFailure) => void
}

/**
 * Passes a connection on, and ends it where the server's first answer is not SQL Server's, or says that there will be
 * no TLS where it is asked for: tedious would then send the password in the clear. Source: MS-TDS, "PRELOGIN".
 */
export function guardPrelogin(stream: Duplex, watch: Watch): Duplex {
  let seen: Buffer = Buffer.alloc(0)
  let passed = false
  const outer = new Duplex({
    read() {},
    write: (chunk, _, done) => void stream.write(chunk, done),
    final: done => void stream.end(done),
    destroy: (error, done) => {
      stream.destroy()
      done(error)
    },
  })
  stream.on('data', (chunk: Buffer) => {
    seen = passed ? chunk : Buffer.concat([seen, chunk])
    const verdict = passed || judge(seen, watch)
    if (verdict === undefined) return
    if (verdict !== true) {
      watch.failed(verdict)
      return void outer.destroy(verdict)
    }
    passed = true
    outer.push(seen)
  })
  stream.on('end', () => outer.push(null))
  stream.on('close', () => outer.destroy())
  const nothing = () => outer
  return Object.assign(outer, { setKeepAlive: nothing, setNoDelay: nothing, setTimeout: nothing })
}

/** Whether a server's first answer may be passed on; undefined where it is not all there yet. */
function judge(answer: Buffer, { at, encrypt }: Watch): true | ConnectionFailure | undefined {
  const other = () =>
    new ConnectionFailure('failed', `${formatAddress(at)} answers, but is no SQL Server: check host and port.`)
  if (answer[0] !== RESPONSE) return other()
  if (answer.length < HEADER) return undefined
  const length = answer.readUInt16BE(2)
  if (length < HEADER + 1) return other()
  if (answer.length < length) return undefined
  const encryption = encryptionIn(answer.subarray(HEADER, length))
  if (!encrypt || (encryption !== undefined && ENCRYPTED.includes(encryption))) return true
  return new ConnectionFailure('tls_failed', 'The server has no TLS, and encrypt asks for it.')
}

function encryptionIn(options: Buffer): number | undefined {
  for (let at = 0; at + 5 <= options.length && options[at] !== END_OF_OPTIONS; at += 5) {
    if (options[at] === ENCRYPTION) return options[options.readUInt16BE(at + 1)]
  }
  return undefined
}
