import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { checkCertificates, checkPrivateKey } from '../../../src/source-types/check-pem.ts'
import { certificate, openSshKey, pemKey } from './samples.ts'

const privateKeyProblem = (text: string) => problemOf(checkPrivateKey(text))
const certificatesProblem = (text: string) => problemOf(checkCertificates(text))
const problemOf = (checked: object) => ('message' in checked ? String(checked.message) : undefined)

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

test('private keys are accepted in every common format', () => {
  const encrypted = { cipher: 'aes-256-cbc', passphrase: 'x', format: 'pem' } as const
  const keys = [
    pemKey,
    openSshKey,
    rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    rsa.privateKey.export({ type: 'pkcs8', ...encrypted }).toString(),
    rsa.privateKey.export({ type: 'pkcs1', ...encrypted }).toString(),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
  ]
  for (const key of keys) expect(privateKeyProblem(key)).toBeUndefined()
})

test.each([
  ['', 'must not be empty'],
  ['MARKER', /OpenSSH format, from its BEGIN line to its END line$/],
  [openSshKey.replace('END OPENSSH', 'END RSA'), /END line$/],
  [openSshKey.replace(/-----END.*/s, ''), /END line$/],
  ['-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----', /END line$/],
  ['-----BEGIN PRIVATE KEY-----\nMARKER…\n-----END PRIVATE KEY-----', /END line$/],
  [openSshKey.replaceAll('\n', ''), /its line breaks are missing$/],
  [openSshKey.replaceAll('\n', '\\n'), /its line breaks are written as \\n$/],
  ['ssh-ed25519 AAAAMARKER', /this is a public key$/],
  [rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /this is a public key$/],
  [certificate, /this is a certificate$/],
  ['PuTTY-User-Key-File-3: ssh-ed25519\n', /puttygen/],
  [openSshKey.replace('\n', `\n${'A'.repeat(65536)}\n`), 'must be at most 64 KiB'],
])('text that is not a private key is rejected', (text, expected) => {
  const problem = privateKeyProblem(text)
  if (expected instanceof RegExp) expect(problem).toMatch(expected)
  else expect(problem).toBe(expected)
  expect(problem).not.toContain('MARKER')
})

test('one or more certificates are accepted, with comments', () => {
  for (const text of [certificate, certificate + certificate, `# Example CA\n${certificate}`]) {
    expect(certificatesProblem(text)).toBeUndefined()
  }
})

test.each([
  ['', 'must not be empty'],
  ['nothing', /^must be one or more certificates/],
  [certificate.replace(/-----END.*/s, ''), /^must be one or more certificates/],
  [`${certificate}-----BEGIN CERTIFICATE-----\nAAAA`, /^must be one or more certificates/],
  [certificate + openSshKey, 'must contain only certificates, but contains a private key'],
  [certificate.repeat(4000), 'must be at most 512 KiB'],
])('text that is not a certificate is rejected', (text, expected) => {
  const problem = certificatesProblem(text)
  if (expected instanceof RegExp) expect(problem).toMatch(expected)
  else expect(problem).toBe(expected)
})

test('malicious text is rejected quickly', () => {
  const started = performance.now()
  privateKeyProblem(`-----BEGIN PRIVATE KEY-----\n${'\n-----END PRIVATE KEY----'.repeat(2600)}`)
  certificatesProblem('-----BEGIN CERTIFICATE-----\nA'.repeat(2200))
  expect(performance.now() - started).toBeLessThan(500)
})
