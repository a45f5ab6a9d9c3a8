import { createPrivateKey } from 'node:crypto'

/** Whether a passphrase decrypts a key. `unknown`: this machine cannot read the key, although other programs may. */
export type Decryption = 'decrypted' | 'wrong passphrase' | 'passphrase missing' | 'not encrypted' | 'unknown'

/** Tries to decrypt a private key in PEM or OpenSSH format. */
export async function decryptPrivateKey(key: string, passphrase: string | undefined): Promise<Decryption> {
  const cipher = openSshCipher(key)
  if (cipher === undefined) return decryptPem(key, passphrase)
  if (cipher === 'none') return 'not encrypted'
  if (passphrase === undefined) return 'passphrase missing'
  const { default: ssh2 } = await import('ssh2') // loading takes 30 ms, so only for such a key
  const parsed = ssh2.utils.parseKey(key, passphrase)
  if (!(parsed instanceof Error)) return 'decrypted'
  return /passphrase|integrity|decrypt/i.test(parsed.message) ? 'wrong passphrase' : 'unknown'
}

const OPENSSH_MAGIC = 'openssh-key-v1\0'

/** The cipher of a key in OpenSSH format, for example `none`. Source: OpenSSH, PROTOCOL.key. */
function openSshCipher(key: string): string | undefined {
  const base64 = /^-----BEGIN OPENSSH PRIVATE KEY-----\n([^-]*)/.exec(key)?.[1]
  const bytes = Buffer.from(base64 ?? '', 'base64')
  if (!bytes.toString('latin1').startsWith(OPENSSH_MAGIC) || bytes.length < OPENSSH_MAGIC.length + 4) return undefined
  const start = OPENSSH_MAGIC.length + 4
  return bytes.toString('latin1', start, start + bytes.readUInt32BE(OPENSSH_MAGIC.length))
}

function decryptPem(key: string, passphrase: string | undefined): Decryption {
  const encrypted = /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(key)
  if (encrypted && passphrase === undefined) return 'passphrase missing'
  try {
    createPrivateKey({ key, ...(encrypted && { passphrase: passphrase ?? '' }) })
    return encrypted ? 'decrypted' : 'not encrypted'
  } catch (error) {
    const hasUnknownCipher = (error as { code?: unknown }).code === 'ERR_OSSL_EVP_UNSUPPORTED'
    return encrypted && !hasUnknownCipher ? 'wrong passphrase' : 'unknown'
  }
}
