import { createVerify, type KeyObject } from 'node:crypto'

/** Whether a token is signed by this service account's key for BigQuery, the checks that Google makes. */
export function isSignedBy(publicKey: KeyObject, account: string, authorization: string | undefined): boolean {
  const [head = '', claims = '', signature = ''] = (authorization ?? '').replace('Bearer ', '').split('.')
  const { aud, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}')
  if (aud !== 'https://bigquery.googleapis.com/' || sub !== account) return false
  return createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')
}
