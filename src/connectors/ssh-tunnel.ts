import { createHash, createPrivateKey } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, optionalText, type TestRun, text } from './test-run.ts'

/** Opens connections from the jump host. */
export interface Tunnel {
  open(address: Address): Promise<Duplex>
}

/** Stage tunnel: logs in to the jump host on a connection to it, if its host key is the one that is expected. */
export function openTunnel(job: TestRun, jumpHost: Address, socket: Socket): Promise<Tunnel> {
  const { credentials } = job
  job.enter('tunnel')
  job.awaiting(`${formatAddress(jumpHost)} takes the connection and says nothing: it may not be an SSH server`)
  const key = readKey(text(credentials, 'ssh_private_key'), optionalText(credentials, 'ssh_private_key_passphrase'))
  const expected = optionalText(credentials, 'ssh_host_key')
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    let refused: ConnectionFailure | undefined
    job.closing(() => client.destroy())
    client.on('error', error => reject(refused ?? loginFailure(job, jumpHost, error)))
    client.on('close', () => reject(refused ?? new ConnectionFailure('tunnel_failed', 'The jump host hung up.')))
    client.on('ready', () => resolve({ open: address => forward(job, client, address) }))
    client.connect({
      ...{ sock: socket, username: text(credentials, 'ssh_username'), ...key, readyTimeout: 0 },
      // Without this ssh2 takes any key.
      hostVerifier: (key: Buffer) => {
        refused = judgeHostKey(jumpHost, fingerprintOf(key), expected)
        return refused === undefined
      },
    })
  })
}

function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

function judgeHostKey(jumpHost: Address, found: string, expected: string | undefined): ConnectionFailure | undefined {
  if (expected === undefined) {
    const message = `The host key of ${formatAddress(jumpHost)} is ${found}, and nothing says that it should be: if it is the right one, give it as ssh_host_key, or say --accept-host-key.`
    return new ConnectionFailure('tunnel_failed', message, found)
  }
  if (found === expected.replace(/=+$/, '')) return undefined
  const message = `The host key of ${formatAddress(jumpHost)} is ${found}, not ${expected}: it was changed, or somebody else answers. Ask who runs it before you change ssh_host_key.`
  return new ConnectionFailure('tunnel_failed', message)
}

type KeyOptions = Pick<ssh2.ConnectConfig, 'privateKey' | 'passphrase'>

/** The key as ssh2 can use it. Its own errors may quote the key, so none is passed on. */
function readKey(key: string, passphrase: string | undefined): KeyOptions {
  const parsed = ssh2.utils.parseKey(key, passphrase)
  if (!(parsed instanceof Error)) {
    const first = [parsed].flat()[0]
    if (first?.isPrivateKey()) return { privateKey: key, ...(passphrase !== undefined && { passphrase }) }
    throw new ConnectionFailure('tunnel_failed', 'ssh_private_key holds a public key, not the private one.')
  }
  const converted = /BEGIN (ENCRYPTED )?PRIVATE KEY/.test(key) ? fromPkcs8(key, passphrase) : undefined
  if (converted !== undefined) return { privateKey: converted }
  const locked = /passphrase|encrypted/i.test(parsed.message) || /ENCRYPTED/.test(key)
  if (locked && passphrase === undefined) {
    throw new ConnectionFailure('tunnel_failed', 'ssh_private_key is encrypted: give ssh_private_key_passphrase.')
  }
  if (locked || passphrase !== undefined) {
    throw new ConnectionFailure('tunnel_failed', 'ssh_private_key_passphrase does not open ssh_private_key.')
  }
  throw new ConnectionFailure(
    'tunnel_failed',
    'ssh_private_key cannot be read: write it in the form of OpenSSH (ssh-keygen -p -f FILE).',
  )
}

/** ssh2 does not read PKCS#8; Node writes RSA and EC keys in the older forms. */
function fromPkcs8(key: string, passphrase: string | undefined): string | undefined {
  try {
    const read = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
    const type = read.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
    return read.export({ type, format: 'pem' }).toString()
  } catch {
    return undefined
  }
}

function loginFailure(job: TestRun, jumpHost: Address, error: unknown): ConnectionFailure {
  const { level } = Object(error) as { level?: unknown }
  if (level === 'client-authentication') {
    const user = text(job.credentials, 'ssh_username')
    return new ConnectionFailure('tunnel_failed', `The jump host does not let ${user} in with this key.`)
  }
  if (level === 'protocol' || level === 'handshake') {
    const what = 'does not speak SSH, or has no algorithm in common with dsctl'
    return new ConnectionFailure('tunnel_failed', `${formatAddress(jumpHost)} ${what}: check jump_host and ssh_port.`)
  }
  return new ConnectionFailure('tunnel_failed', `The connection to the jump host broke${codeSuffix(errorCode(error))}.`)
}

function forward(job: TestRun, client: ssh2.Client, address: Address): Promise<Duplex> {
  job.enter('tunnel')
  job.awaiting(`the jump host does not get an answer from ${formatAddress(address)}`)
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, address.host, address.port, (error, channel) => {
      if (error) return reject(forwardFailure(address, error))
      channel.on('error', () => {}) // whoever reads from it hears of its end
      job.closing(() => channel.destroy())
      resolve(channel)
    })
  })
}

/** Reasons of SSH_MSG_CHANNEL_OPEN_FAILURE. Source: RFC 4254, section 5.1. */
function forwardFailure(address: Address, error: Error): ConnectionFailure {
  const { reason } = error as { reason?: unknown }
  const message =
    reason === 1
      ? `The jump host forwards no connections to ${formatAddress(address)}: its configuration forbids it.`
      : `The jump host cannot reach ${formatAddress(address)}: nothing listens there, or it does not know that host.`
  return new ConnectionFailure('tunnel_failed', message)
}
