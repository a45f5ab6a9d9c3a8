import { MAX_CERTIFICATES_BYTES, MAX_KEY_BYTES, sizeProblem } from './limits.ts'

/** The text to store, or the problem with it. A message never quotes the text. */
export type CheckedPem = { readonly value: string } | { readonly message: string }

const KEY_LABEL = /^(?:(?:RSA|EC|DSA|ENCRYPTED|OPENSSH) )?PRIVATE KEY$/

/**
 * Checks a private key in PEM or OpenSSH format, and returns only its block, in a form that OpenSSH and OpenSSL can
 * read. Like these programs, uses the first private key of the text and ignores other text and blocks around it.
 */
export function checkPrivateKey(text: string): CheckedPem {
  if (text.trim() === '') return { message: 'must not be empty' }
  const lines = text.split(/\r\n|[\r\n]/).map(line => line.trim())
  const block = findBlock(lines, KEY_LABEL)
  const key = block && formatKey(block)
  if (!key) return { message: sizeProblem(text, MAX_KEY_BYTES) ?? notAKey(text) }
  const size = sizeProblem(key, MAX_KEY_BYTES)
  return size ? { message: size } : { value: key }
}

/** Checks one or more PEM certificates. Comments between them are kept; other PEM blocks are not allowed. */
export function checkCertificates(text: string): CheckedPem {
  const size = sizeProblem(text, MAX_CERTIFICATES_BYTES)
  if (size) return { message: size }
  // Concatenating files may join two blocks, if the first file has no line break at its end.
  const separated = text.replaceAll('-----END CERTIFICATE----------BEGIN', '-----END CERTIFICATE-----\n-----BEGIN')
  const rest = separated.replace(CERTIFICATE_BLOCK, '')
  if (rest.includes('PRIVATE KEY')) return { message: 'must contain only certificates, but contains a private key' }
  if (rest !== separated && !/-----(?:BEGIN|END) /.test(rest)) return { value: separated }
  return {
    message: 'must be one or more certificates in PEM format, each from its BEGIN CERTIFICATE line to its END line',
  }
}

const CERTIFICATE_BLOCK =
  /-----BEGIN CERTIFICATE-----[ \t]*\r?\n[A-Za-z0-9+/=][A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

interface PemBlock {
  readonly label: string
  readonly lines: readonly string[]
}

/** The first complete block with such a label. */
function findBlock(lines: readonly string[], label: RegExp): PemBlock | undefined {
  for (let at = 0; at < lines.length; at++) {
    const found = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(lines[at] ?? '')?.[1]
    if (found === undefined) continue
    const end = lines.indexOf(`-----END ${found}-----`, at)
    if (end >= 0 && label.test(found)) return { label: found, lines: lines.slice(at + 1, end) }
    at = Math.max(at, end)
  }
  return undefined
}

/** The longest line that every PEM parser accepts. */
const MAX_LINE = 76

function formatKey({ label, lines }: PemBlock): string | undefined {
  // Encrypted keys in the older PEM format have headers such as `DEK-Info: …`.
  const headers = lines.filter(line => /^[A-Za-z0-9-]+: /.test(line))
  const body = lines.filter(line => line !== '' && !headers.includes(line))
  if (body.length === 0 || !body.every(line => /^[A-Za-z0-9+/=]+$/.test(line))) return undefined
  const wrapped = body.some(line => line.length > MAX_LINE) ? (body.join('').match(/.{1,64}/g) ?? []) : body
  const start = headers.length ? [...headers, ''] : []
  return [`-----BEGIN ${label}-----`, ...start, ...wrapped, `-----END ${label}-----`, ''].join('\n')
}

function notAKey(text: string): string {
  const message = 'must be a private key in PEM or OpenSSH format, from its BEGIN line to its END line'
  const mistake = probableMistake(text)
  return mistake ? `${message}: ${mistake}` : message
}

function probableMistake(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.startsWith('PuTTY-User-Key-File'))
    return 'this is a PuTTY key; convert it with puttygen -O private-openssh'
  if (/^---- BEGIN SSH2 ENCRYPTED PRIVATE KEY/m.test(text))
    return 'this is an ssh.com key; convert it with ssh-keygen -i'
  if (text.includes('\\n')) return 'its line breaks are written as \\n'
  if (text.includes('-----BEGIN') && !/[\r\n]/.test(trimmed)) return 'its line breaks are missing'
  if (/^(?:ssh-|ecdsa-|sk-)|BEGIN (?:RSA |SSH2 )?PUBLIC KEY/.test(trimmed)) return 'this is a public key'
  if (text.includes('PRIVATE KEY-----')) return undefined
  if (text.includes('BEGIN CERTIFICATE')) return 'this is a certificate'
  if (trimmed.startsWith('LS0tLS1CRUdJTi')) return 'it is base64-encoded; decode it with base64 -d'
  return undefined
}
