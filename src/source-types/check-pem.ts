import { sizeProblem } from './limits.ts'

const KEY_BLOCK =
  /^-----BEGIN ((?:RSA |EC |DSA |ENCRYPTED |OPENSSH )?PRIVATE KEY)-----\r?\n([\s\S]*)\n-----END \1-----$/
const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=][A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The problem with a private key in PEM or OpenSSH format, if any. Does not quote the key. */
export function privateKeyProblem(text: string): string | undefined {
  const size = sizeProblem(text)
  if (size) return size
  const body = KEY_BLOCK.exec(text.trim())?.[2]
  if (body !== undefined && isBase64(withoutHeaders(body))) return undefined
  const message = 'must be a private key in PEM or OpenSSH format, from its BEGIN line to its END line'
  const mistake = probableMistake(text)
  return mistake ? `${message}: ${mistake}` : message
}

/** The problem with one or more PEM certificates, if any. Comments between them are allowed, other PEM blocks are not. */
export function certificatesProblem(text: string): string | undefined {
  const size = sizeProblem(text)
  if (size) return size
  const rest = text.replace(CERTIFICATE_BLOCK, '')
  if (rest.includes('PRIVATE KEY')) return 'must contain only certificates, but contains a private key'
  if (rest !== text && !rest.includes('-----')) return undefined
  return 'must be one or more certificates in PEM format, each from its BEGIN CERTIFICATE line to its END line'
}

/** Encrypted keys in the older PEM format have headers such as `DEK-Info: …`. */
function withoutHeaders(body: string): string {
  return body
    .split('\n')
    .filter(line => !/^[A-Za-z0-9-]+: /.test(line))
    .join('\n')
}

function isBase64(body: string): boolean {
  return /^[A-Za-z0-9+/=\s]+$/.test(body) && body.trim() !== ''
}

function probableMistake(text: string): string | undefined {
  if (text.startsWith('PuTTY-User-Key-File')) return 'this is a PuTTY key; convert it with puttygen -O private-openssh'
  if (/^(?:ssh-|ecdsa-)|BEGIN (?:RSA |SSH2 )?PUBLIC KEY/.test(text)) return 'this is a public key'
  if (text.includes('BEGIN CERTIFICATE')) return 'this is a certificate'
  if (text.includes('\\n')) return 'its line breaks are written as \\n'
  if (text.includes('-----BEGIN') && !text.trim().includes('\n')) return 'its line breaks are missing'
  return undefined
}
