import { X509Certificate } from 'node:crypto'

/**
 * The problem with a string that should contain CA certificates, to print after the name of the file or field;
 * otherwise undefined. Node itself reports nothing: it ignores certificates that it cannot read, and if the string is
 * empty, it trusts its own authorities.
 */
export function caCertificatesProblem(text: string): string | undefined {
  if (text.trim() === '') return 'is empty'
  const blocks = text.match(BLOCK) ?? []
  if ((text.match(BEGIN) ?? []).length > blocks.length) return 'is cut off: a certificate in it has no END line'
  if (blocks.length) return blocks.every(isCertificate) ? undefined : 'holds a damaged certificate'
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return 'holds a private key instead of a certificate'
  if (text.startsWith('0\ufffd') || text.startsWith('0\x82')) return `holds no PEM certificate; ${DER_HINT}`
  return 'holds no PEM certificate'
}

const BEGIN = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g
const BLOCK = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----(?:(?!-----BEGIN)[\s\S])*?-----END \1-----/g
const DER_HINT = 'if it is DER, convert it: openssl x509 -inform der -in FILE -out FILE.pem'

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}
