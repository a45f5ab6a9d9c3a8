import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DsctlError, type FieldProblem, invalid } from '../domain/errors.ts'
import { caCertificatesProblem } from '../lib/ca-certificates.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'
import type { Settings } from './settings.ts'
import { vaultFlag, vaultVariable } from './vault-variable.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** How to connect to Vault with TLS. Certificates and keys are PEM texts, not paths. */
export interface VaultTls {
  readonly ca?: string
  /** Server name to send, and to check the certificate for, instead of the host. */
  readonly serverName?: string
  readonly client?: { readonly cert: string; readonly key: string }
  /** Whether to accept any certificate from an address of this machine. */
  readonly skipVerifyOnLoopback?: true
}

/** The settings of TLS; undefined if there are none. Throws `invalid` for files that are missing or unusable. */
export function vaultTls(settings: Settings, env: Environment): VaultTls | undefined {
  const ca = authorities(settings, env)
  const client = clientCertificate(env)
  const serverName = vaultVariable(env, 'TLS_SERVER_NAME')?.value
  const skips = vaultFlag(env, 'SKIP_VERIFY') !== undefined
  if (!ca && !client && !serverName && !skips) return undefined
  return {
    ...(ca !== undefined && { ca }),
    ...(client && { client }),
    ...(serverName !== undefined && { serverName }),
    ...(skips && { skipVerifyOnLoopback: true }),
  }
}

/** As in the Vault command: VAULT_CACERT, then VAULT_CACERT_BYTES, then VAULT_CAPATH; after them, the profile. */
function authorities(settings: Settings, env: Environment): string | undefined {
  const { value: path, source = '' } = settings.all.find(({ key }) => key === 'vault.caCert') ?? {}
  const bytes = vaultVariable(env, 'CACERT_BYTES')
  const folder = vaultVariable(env, 'CAPATH')
  if (path !== undefined && source.startsWith('environment')) return readAuthorities('vault.caCert', path)
  if (bytes) return checkAuthorities(bytes.name, bytes.value, 'its value')
  if (folder) return readFolder(folder.name, folder.value)
  return path === undefined ? undefined : readAuthorities('vault.caCert', path)
}

function readAuthorities(field: string, path: string): string {
  return checkAuthorities(field, read(field, path, AUTHORITY), path)
}

function checkAuthorities(field: string, text: string, place: string): string {
  const problem = caCertificatesProblem(text)
  if (problem) throw invalid(AUTHORITY, [{ field, message: `${place} ${problem}` }])
  return text
}

/** The certificates in a folder and its subfolders. Other files in it are ignored. */
function readFolder(field: string, folder: string): string {
  const texts = filesIn(field, folder).flatMap(path => {
    const text = read(field, path, AUTHORITY)
    return text.includes('-----BEGIN CERTIFICATE-----') ? [checkAuthorities(field, text, path)] : []
  })
  if (texts.length) return texts.join('\n')
  throw invalid(AUTHORITY, [{ field, message: `${folder} contains no file with a PEM certificate` }])
}

function filesIn(field: string, folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort()
      .flatMap(name => {
        const path = join(folder, name)
        // Kubernetes keeps the files of a mounted volume in hidden folders, and links to them.
        if (name.startsWith('.')) return []
        return statSync(path).isDirectory() ? filesIn(field, path) : [path]
      })
  } catch (error) {
    if (error instanceof DsctlError) throw error
    throw invalid(AUTHORITY, [{ field, message: `${folder} ${describeFolderError(error)}` }])
  }
}

function describeFolderError(error: unknown): string {
  return (error as { code?: unknown }).code === 'ENOTDIR' ? 'is not a folder' : describeReadError(error)
}

function clientCertificate(env: Environment): VaultTls['client'] {
  const fromFiles = clientPair(env, '')
  return fromFiles ?? clientPair(env, '_BYTES')
}

/** The client certificate from VAULT_CLIENT_CERT and _KEY, or from the variables that hold the texts themselves. */
function clientPair(env: Environment, suffix: '' | '_BYTES'): VaultTls['client'] {
  const cert = vaultVariable(env, `CLIENT_CERT${suffix}`)
  const key = vaultVariable(env, `CLIENT_KEY${suffix}`)
  if (!cert && !key) return undefined
  if (!cert || !key) {
    const [set, missing] = cert ? [cert.name, 'KEY'] : [key?.name ?? '', 'CERT']
    const field = set.replace(/(CERT|KEY)(?=$|_BYTES)/, missing)
    throw invalid(CLIENT, [{ field, message: `is required together with ${set}` }])
  }
  const text = ({ name, value }: { name: string; value: string }) => (suffix ? value : read(name, value, CLIENT))
  const pair = { cert: text(cert), key: text(key) }
  const problems = pairProblems(pair, { certField: cert.name, keyField: key.name })
  if (problems.length) throw invalid(CLIENT, problems)
  return pair
}

function pairProblems(
  { cert, key }: { cert: string; key: string },
  { certField, keyField }: { certField: string; keyField: string },
): FieldProblem[] {
  const certificate = attempt(() => new X509Certificate(cert))
  const privateKey = attempt(() => createPrivateKey(key))
  const isPair = certificate && privateKey && certificate.checkPrivateKey(privateKey)
  return [
    ...(certificate ? [] : [{ field: certField, message: 'holds no PEM certificate' }]),
    ...(privateKey ? [] : [{ field: keyField, message: keyProblem(key) }]),
    ...(certificate && privateKey && !isPair ? [{ field: keyField, message: `does not fit ${certField}` }] : []),
  ]
}

function keyProblem(key: string): string {
  return /ENCRYPTED/.test(key)
    ? 'is encrypted, which Vault’s own command does not support either: decrypt it with openssl pkey'
    : 'holds no PEM private key'
}

function attempt<T extends KeyObject | X509Certificate>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

function read(field: string, path: string, message: string): string {
  try {
    return readRegularFile(path)
  } catch (error) {
    throw invalid(message, [{ field, message: `${path} ${describeReadError(error)}` }])
  }
}

const AUTHORITY = 'Cannot read Vault’s CA certificate.'
const CLIENT = 'Cannot use the client certificate for Vault.'
