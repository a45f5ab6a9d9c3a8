import { createHash } from 'node:crypto'

/**
 * The SHA256 fingerprint of a host key, without padding. The text may be a fingerprint, a public key, or a line of
 * `ssh-keygen -l`, `ssh-keyscan` or a known_hosts file. A message never quotes the text.
 */
export function parseHostKey(text: string): { value: string } | { message: string } {
  const lines = text.split(/[\r\n]+/).filter(line => !/^\s*#/.test(line))
  if (lines.some(line => line.trim().startsWith('@'))) {
    return { message: 'has a marker of known_hosts, such as @cert-authority: use the key of the host itself' }
  }
  const found = new Set(lines.flatMap(fingerprintsIn))
  if (found.size > 1) return { message: 'has several keys: use only one of them' }
  for (const value of found) return { value }
  return { message: lines.some(line => MD5.test(line)) ? MD5_MESSAGE : MESSAGE }
}

/** The fingerprint of a public key in the binary format of SSH, as printed by `ssh-keygen -l`. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The type of a public key in the binary format of SSH, for example `ssh-ed25519`. Source: RFC 4253, section 6.6. */
export function keyTypeOf(key: Buffer): string {
  return key.length < 4 ? '' : key.toString('latin1', 4, 4 + key.readUInt32BE(0))
}

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}=?$/
const MD5 = /(?:^|\s)(?:MD5:)?(?:[0-9a-f]{2}:){15}[0-9a-f]{2}(?:\s|$)/i
const MESSAGE = 'must be SHA256: and 43 characters of base64, as printed by ssh-keygen -l, or a public key'
const MD5_MESSAGE = 'is an MD5 fingerprint: use the SHA256 fingerprint, as printed by ssh-keygen -l'

function fingerprintsIn(line: string): string[] {
  const words = line.split(/\s+/)
  return words.flatMap((word, at) => {
    if (FINGERPRINT.test(word)) return [word.replace(/=$/, '')]
    const key = word.startsWith('AAAA') ? Buffer.from(word, 'base64') : undefined
    return key && keyTypeOf(key) === words[at - 1] ? [fingerprintOf(key)] : []
  })
}
