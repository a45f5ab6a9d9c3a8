import { createPrivateKey } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import type { Credentials } from '../domain/secret.ts'
import { fingerprintOf, keyTypeOf, parseHostKey } from '../lib/ssh-host-key.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, optionalText, type TestRun, text } from './driver.ts'

/** An SSH session on the jump host that forwards connections. */
export interface Tunnel {
  open(address: Address): Promise<Duplex>
}

/**
 * Stage tunnel: checks the jump host's key and logs in to the host. `connect` opens a connection to it. A server shows
 * one key per connection. If that key does not match `ssh_host_key`, connects again and asks for the server's other
 * keys until one matches. Throws ConnectionFailure.
 */
export async function openTunnel(run: TestRun, jumpHost: Address, connect: () => Promise<Socket>): Promise<Tunnel> {
  const hostKeys: HostKeys = { expected: expectedHostKey(run.credentials), shown: new Map(), accepted: false }
  for (;;) {
    try {
      const tunnel = await logIn(run, jumpHost, { socket: await connect(), hostKeys })
      if (tunnel) return tunnel
    } catch (error) {
      // The server has no other key, or accepts no other connection.
      throw hostKeys.shown.size > 0 && !hostKeys.accepted ? otherHostKeys(jumpHost, hostKeys) : error
    }
  }
}

interface HostKeys {
  /** The fingerprint in `ssh_host_key`. */
  readonly expected: string | undefined
  /** The fingerprints of keys that do not match, by type. */
  readonly shown: Map<string, string>
  accepted: boolean
}

function expectedHostKey(credentials: Credentials): string | undefined {
  const stored = optionalText(credentials, 'ssh_host_key')
  const parsed = stored === undefined ? { value: undefined } : parseHostKey(stored)
  if ('value' in parsed) return parsed.value
  throw new ConnectionFailure('tunnel_failed', `ssh_host_key ${parsed.message}.`)
}

/** Returns undefined if the server shows a key that does not match. No credentials are sent to such a server. */
function logIn(
  run: TestRun,
  jumpHost: Address,
  { socket, hostKeys }: { socket: Socket; hostKeys: HostKeys },
): Promise<Tunnel | undefined> {
  const { credentials } = run
  run.enterStage('tunnel')
  run.setTimeoutReason(
    `${formatAddress(jumpHost)} accepted the connection but did not answer; it may not be an SSH server`,
  )
  const keyOptions = readKey(
    text(credentials, 'ssh_private_key'),
    optionalText(credentials, 'ssh_private_key_passphrase'),
  )
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    run.onEnd(() => client.destroy())
    client.on('error', error => reject(loginFailure(run, jumpHost, error)))
    client.on('close', () => reject(new ConnectionFailure('tunnel_failed', 'The jump host closed the connection.')))
    client.on('ready', () => resolve({ open: address => forward(run, client, address) }))
    client.connect({
      ...{ sock: socket, username: text(credentials, 'ssh_username'), ...keyOptions, readyTimeout: 0 },
      algorithms: { serverHostKey: { remove: algorithmsOf(hostKeys), append: [], prepend: [] } },
      // Without a hostVerifier, ssh2 accepts any host key.
      hostVerifier: (key: Buffer) => {
        const { expected, shown } = hostKeys
        const found = fingerprintOf(key)
        const type = keyTypeOf(key)
        hostKeys.accepted = found === expected
        if (expected === undefined) reject(unknownHostKey(jumpHost, found))
        else if (shown.has(type))
          reject(otherHostKeys(jumpHost, hostKeys)) // the server ignores which algorithms it may use
        else if (!hostKeys.accepted) {
          shown.set(type, found)
          resolve(undefined)
        }
        return hostKeys.accepted
      },
    })
  })
}

const RSA_ALGORITHMS = ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] as const

/** The algorithms for the types of the keys that were shown. */
function algorithmsOf({ shown }: HostKeys): ssh2.ServerHostKeyAlgorithm[] {
  return [...shown.keys()].flatMap(type =>
    type === 'ssh-rsa' ? RSA_ALGORITHMS : [type as ssh2.ServerHostKeyAlgorithm],
  )
}

type KeyOptions = Pick<ssh2.ConnectConfig, 'privateKey' | 'passphrase'>

/**
 * The private key in a form that ssh2 accepts. Throws ConnectionFailure, because ssh2's own errors may quote the key.
 */
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

function unknownHostKey(jumpHost: Address, found: string): ConnectionFailure {
  const message = `The host key of ${formatAddress(jumpHost)} is ${found}, and ssh_host_key is not set. If the key is correct, set ssh_host_key to it or pass --accept-host-key.`
  return new ConnectionFailure('tunnel_failed', message, found)
}

function otherHostKeys(jumpHost: Address, { expected, shown }: HostKeys): ConnectionFailure {
  const found = [...shown.values()]
  const keys =
    found.length === 1 ? `host key of ${formatAddress(jumpHost)} is` : `host keys of ${formatAddress(jumpHost)} are`
  const advice = `The key has changed, or a different host answered. Ask the host's administrator before you change ssh_host_key.`
  return new ConnectionFailure('tunnel_failed', `The ${keys} ${found.join(' and ')}, not ${expected}. ${advice}`)
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
