import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { AuthPlugin } from 'mysql2'

const NONCE_BYTES = 32
const { Point } = ed25519

/**
 * MariaDB's authentication plugin `client_ed25519`: signs the server's nonce with a key made from the password. It
 * differs from standard Ed25519 only in that the seed, here the password, has any length; Node's crypto module accepts
 * 32 bytes. Source: MariaDB documentation, "Authentication Plugin - ed25519".
 */
export function ed25519Plugin(password: string): AuthPlugin {
  return () => data => sign(Buffer.from(password), data.subarray(0, NONCE_BYTES))
}

/** Source: RFC 8032, section 5.1.6. */
function sign(seed: Buffer, message: Buffer): Buffer {
  const hash = sha512(seed)
  const secret = toScalar(clamp(hash.subarray(0, 32)))
  const nonce = toScalar(sha512(hash.subarray(32), message))
  const publicKey = Point.BASE.multiply(secret).toBytes()
  const commitment = Point.BASE.multiply(nonce).toBytes()
  const challenge = toScalar(sha512(commitment, publicKey, message))
  const proof = Point.Fn.toBytes(Point.Fn.add(nonce, Point.Fn.mul(challenge, secret)))
  return Buffer.concat([commitment, proof])
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha512').update(Buffer.concat(parts)).digest()
}

/** Clears and sets the bits that RFC 8032, section 5.1.5 names. */
function clamp(bytes: Buffer): Buffer {
  const clamped = Buffer.from(bytes)
  clamped.writeUInt8(clamped.readUInt8(0) & 0xf8, 0)
  clamped.writeUInt8((clamped.readUInt8(31) & 0x3f) | 0x40, 31)
  return clamped
}

/** A number in little-endian order, reduced to the order of the group. */
function toScalar(bytes: Buffer): bigint {
  return Point.Fn.create(BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`))
}
