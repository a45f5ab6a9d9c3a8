import { createSign, generateKeyPairSync } from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface Certificate {
  /** PEM. */
  readonly key: string
  readonly cert: string
}

/** A self-signed X.509 certificate for a DNS name, valid until a UTCTime. Built by hand in DER: Node has no API for it. */
export function certificateFor(name: string, until = '490101000000Z'): Certificate {
  return made({ subject: name, extensions: [namesOf(name)], until })
}

/** A certificate authority. */
export interface Authority extends Certificate {
  /** A certificate for a DNS name or an IPv4 address, signed by this authority. */
  certificateFor(name: string): Certificate
}

export function authority(): Authority {
  const subject = 'An authority for tests'
  const isAuthority = der(0x30, oid('551d13'), TRUE, der(0x04, der(0x30, TRUE)))
  const pair = made({ subject, extensions: [isAuthority] })
  const issuer = { subject, key: pair.key }
  return { ...pair, certificateFor: name => made({ subject: name, extensions: [namesOf(name)], issuer }) }
}

interface Making {
  readonly subject: string
  readonly extensions: readonly Buffer[]
  readonly until?: string
  /** The default is the certificate itself. */
  readonly issuer?: { readonly subject: string; readonly key: string }
}

function made({ subject, extensions, until = '490101000000Z', issuer }: Making): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([issuer ? 2 : 1])),
    ECDSA_WITH_SHA256,
    common(issuer?.subject ?? subject),
    der(0x30, time('250101000000Z'), time(until)),
    common(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions)),
  )
  const signature = createSign('SHA256')
    .update(tbs)
    .sign(issuer?.key ?? privateKey)
  const whole = der(0x30, tbs, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}

function common(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from(name)))))
}

/** The extension with the host of a certificate. */
function namesOf(host: string): Buffer {
  const name = isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))
  return der(0x30, oid('551d11'), der(0x04, der(0x30, name)))
}

/** A DER value: tag, length and contents. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const contents = Buffer.concat(parts)
  const { length } = contents
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), contents])
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function time(utc: string): Buffer {
  return der(0x17, Buffer.from(utc))
}

const TRUE = der(0x01, Buffer.from([0xff]))
const ECDSA_WITH_SHA256 = der(0x30, oid('2a8648ce3d040302'))
