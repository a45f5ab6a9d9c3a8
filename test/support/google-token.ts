import { createVerify, type KeyObject } from 'node:crypto'

/** Whether a request's token is one that this service account's key has signed for BigQuery: what Google checks. */
export function isSignedBy(publicKey: KeyObject, account: string, authorization: string | undefined): boolean {
  const [head = '', claims = '', signature = ''] = (authorization ?? '').replace('Bearer ', '').split('.')
  const { aud, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}')
  if (aud !== 'https://bigquery.googleapis.com/' || sub !== account) return false
  return createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')
}
