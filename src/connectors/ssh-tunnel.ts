import { createHash, createPrivateKey } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, optionalText, type TestRun, text } from './driver.ts'

/** An SSH session on the jump host that forwards connections. */
export interface Tunnel {
  open(address: Address): Promise<Duplex>
}

/** Stage tunnel: checks the jump host's key and logs in to it, on an open socket. Throws ConnectionFailure. */
export function openTunnel(run: TestRun, jumpHost: Address, socket: Socket): Promise<Tunnel> {
  const { credentials } = run
  run.enterStage('tunnel')
  run.setTimeoutReason(
    `${formatAddress(jumpHost)} accepted the connection but did not answer; it may not be an SSH server`,
  )
  const keyOptions = readKey(
    text(credentials, 'ssh_private_key'),
    optionalText(credentials, 'ssh_private_key_passphrase'),
  )
  const expected = optionalText(credentials, 'ssh_host_key')
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    let hostKeyFailure: ConnectionFailure | undefined
    run.onEnd(() => client.destroy())
    client.on('error', error => reject(hostKeyFailure ?? loginFailure(run, jumpHost, error)))
    client.on('close', () =>
      reject(hostKeyFailure ?? new ConnectionFailure('tunnel_failed', 'The jump host closed the connection.')),
    )
    client.on('ready', () => resolve({ open: address => forward(run, client, address) }))
    client.connect({
      ...{ sock: socket, username: text(credentials, 'ssh_username'), ...keyOptions, readyTimeout: 0 },
      // Without a hostVerifier, ssh2 accepts any host key.
      hostVerifier: (key: Buffer) => {
        hostKeyFailure = checkHostKey(jumpHost, fingerprintOf(key), expected)
        return hostKeyFailure === undefined
      },
    })
  })
}

type KeyOptions = Pick<ssh2.ConnectConfig, 'privateKey' | 'passphrase'>

/** The private key as ssh2 accepts it. Throws ConnectionFailure; ssh2's own errors may quote the key. */
function readKey(key: string, passphrase: string | undefined): KeyOptions {
  const parsed = ssh2.utils.parseKey(key, passphrase)
  if (!(parsed instanceof Error)) {
    const first = [parsed].flat()[0]
    if (first?.isPrivateKey()) return { privateKey: key, ...(passphrase !== undefined && { passphrase }) }
    throw new ConnectionFailure('tunnel_failed', 'ssh_private_key holds a public key. Set it to the private key.')
  }
  const converted = /BEGIN (ENCRYPTED )?PRIVATE KEY/.test(key) ? convertPkcs8(key, passphrase) : undefined
  if (converted !== undefined) return { privateKey: converted }
  const encrypted = /passphrase|encrypted/i.test(parsed.message) || /ENCRYPTED/.test(key)
  if (encrypted && passphrase === undefined) {
    throw new ConnectionFailure('tunnel_failed', 'ssh_private_key is encrypted. Set ssh_private_key_passphrase.')
  }
  if (encrypted || passphrase !== undefined) {
    throw new ConnectionFailure('tunnel_failed', 'ssh_private_key_passphrase does not decrypt ssh_private_key.')
  }
  const message = 'ssh_private_key cannot be read. Convert it to the OpenSSH format: ssh-keygen -p -f FILE.'
  throw new ConnectionFailure('tunnel_failed', message)
}

/** Converts an RSA or EC key from PKCS#8, which ssh2 does not read, to an older format. Undefined if it cannot. */
function convertPkcs8(key: string, passphrase: string | undefined): string | undefined {
  try {
    const parsed = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
    const type = parsed.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
    return parsed.export({ type, format: 'pem' }).toString()
  } catch {
    return undefined
  }
}

function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

function checkHostKey(jumpHost: Address, found: string, expected: string | undefined): ConnectionFailure | undefined {
  if (expected === undefined) {
    const message = `The host key of ${formatAddress(jumpHost)} is ${found}, and ssh_host_key is not set. If the key is correct, set ssh_host_key to it or pass --accept-host-key.`
    return new ConnectionFailure('tunnel_failed', message, found)
  }
  if (found === expected.replace(/=+$/, '')) return undefined
  const message = `The host key of ${formatAddress(jumpHost)} is ${found}, not ${expected}. The key has changed, or another host answers. Ask the host's administrator before you change ssh_host_key.`
  return new ConnectionFailure('tunnel_failed', message)
}

function loginFailure(run: TestRun, jumpHost: Address, error: unknown): ConnectionFailure {
  const { level } = Object(error) as { level?: unknown }
  if (level === 'client-authentication') {
    const user = text(run.credentials, 'ssh_username')
    return new ConnectionFailure('tunnel_failed', `The jump host does not allow ${user} to log in with this key.`)
  }
  if (level === 'protocol' || level === 'handshake') {
    const problem = 'does not speak SSH, or supports none of the algorithms that dsctl supports'
    const message = `${formatAddress(jumpHost)} ${problem}. Check jump_host and ssh_port.`
    return new ConnectionFailure('tunnel_failed', message)
  }
  return new ConnectionFailure(
    'tunnel_failed',
    `The connection to the jump host failed${codeSuffix(errorCode(error))}.`,
  )
}

function forward(run: TestRun, client: ssh2.Client, address: Address): Promise<Duplex> {
  run.enterStage('tunnel')
  run.setTimeoutReason(`the jump host got no answer from ${formatAddress(address)}`)
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, address.host, address.port, (error, channel) => {
      if (error) return reject(forwardFailure(address, error))
      channel.on('error', () => {}) // reported by the code that uses the channel
      run.onEnd(() => channel.destroy())
      resolve(channel)
    })
  })
}

const ADMINISTRATIVELY_PROHIBITED = 1

/** Explains SSH_MSG_CHANNEL_OPEN_FAILURE by its reason code. Source: RFC 4254, section 5.1. */
function forwardFailure(address: Address, error: Error): ConnectionFailure {
  const { reason } = error as { reason?: unknown }
  const message =
    reason === ADMINISTRATIVELY_PROHIBITED
      ? `The configuration of the jump host forbids connections to ${formatAddress(address)}.`
      : `The jump host cannot connect to ${formatAddress(address)}: nothing listens there, or it does not know the host.`
  return new ConnectionFailure('tunnel_failed', message)
}
