import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { FieldKind, SourceType } from '../../../src/source-types/source-type.ts'

/** Texts inside the sample secrets. They must never appear in output. */
export const MARKERS = ['MARKERpassword', 'MARKERtoken', 'MARKERkeybody', 'MARKERnested']

const { privateKey } = generateKeyPairSync('ed25519')

export const pemKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

export const openSshKey = block('OPENSSH PRIVATE KEY', `MARKERkeybody${randomBytes(90).toString('base64')}`)

export const certificate = block('CERTIFICATE', randomBytes(90).toString('base64'))

export const fingerprint = `SHA256:${'A'.repeat(42)}8`

export const serviceAccount = {
  type: 'service_account',
  project_id: 'key-project',
  private_key_id: 'MARKERnested',
  client_email: 'dsctl@key-project.iam.gserviceaccount.com',
  private_key: openSshKey,
}

/** A valid value of each kind. Each secret value contains a marker. */
export const SAMPLES: Readonly<Record<FieldKind, unknown>> = {
  text: 'some text',
  host: 'db.example.com',
  integer: 5,
  boolean: true,
  choice: 'require',
  password: ' MARKERpassword ',
  token: 'MARKERtoken',
  'private-key': openSshKey,
  certificates: certificate,
  'service-account-key': serviceAccount,
  'host-key-fingerprint': fingerprint,
}

/** All fields of a type, except the later alternatives of a one-of rule and the fields that need them. */
export function fullFields(type: SourceType): Record<string, unknown> {
  const excluded = new Set(type.rules.flatMap(rule => (rule.kind === 'one-of' ? rule.fields.slice(1) : [])))
  for (const rule of type.rules) if (rule.kind === 'needs' && excluded.has(rule.needs)) excluded.add(rule.field)
  const fields = Object.entries(type.fields).filter(([name]) => !excluded.has(name))
  return Object.fromEntries(fields.map(([name, field]) => [name, SAMPLES[field.kind]]))
}

/** Only the required fields, and the first alternative of each one-of rule. */
export function leastFields(type: SourceType): Record<string, unknown> {
  const chosen = new Set(type.rules.flatMap(rule => (rule.kind === 'one-of' ? rule.fields.slice(0, 1) : [])))
  const wanted = Object.entries(fullFields(type)).filter(([name]) => type.fields[name]?.required || chosen.has(name))
  return Object.fromEntries(wanted)
}

/** A type that is not in the registry. */
export const invented: SourceType = {
  name: 'oracle',
  label: 'Oracle',
  driver: 'pg',
  fields: {
    host: { label: 'Host', kind: 'host', secret: false, required: true },
    wallet: { label: 'Wallet', kind: 'password', secret: true, required: true, aliases: ['purse'] },
    service: { label: 'Service', kind: 'text', secret: false, required: false, output: { name: 'sid', list: false } },
    retries: { label: 'Retries', kind: 'integer', secret: false, required: false, default: 3, min: 0, max: 9 },
  },
  rules: [{ kind: 'needs', field: 'retries', needs: 'service' }],
}

function block(label: string, base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
