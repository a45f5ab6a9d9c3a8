import type { Credentials } from '../../domain/secret.ts'
import { isMask, REDACTED } from '../../domain/secret.ts'
import type { LookupAudit } from '../../ports/lookup.ts'
import { type ListFilter, type NamedRecord, NO_FILTER } from '../../ports/records.ts'
import { findSourceType } from '../../source-types/index.ts'
import { normalizeCredentials, storedName } from '../../source-types/normalize.ts'
import { outputName, redactCredentials } from '../../source-types/redact.ts'
import type { SourceType } from '../../source-types/source-type.ts'
import { listAll } from '../list.ts'
import type { Stores } from '../stores.ts'
import { retry } from '../two-stores/retry.ts'
import { EXPORT_CHUNK, PARALLEL_SECRETS } from './limits.ts'
import { runInParallel } from './run-in-parallel.ts'

/** A request that is safe to commit: each secret is a reference. */
export type ExportedRequest = Readonly<Record<string, unknown>>

/** A secret field, and the key under which its value is stored. */
interface SecretField {
  readonly field: string
  readonly key: string
}

export interface ExportOptions {
  readonly types: readonly string[]
  readonly envs: readonly string[]
  /** If given, export requests for this env. Each secret is then a variable to fill in, not a reference to Vault. */
  readonly toEnv: string | undefined
  readonly onProgress: (done: number, total: number) => void
  readonly warn: (text: string) => void
}

/**
 * Passes the data sources to `take` as requests, sorted by env and name. `take` returns whether to continue. A data
 * source that cannot be exported is left out, with a warning, and so is a field that may contain a secret. Returns what
 * was left out.
 */
export async function exportAll(
  stores: Stores,
  { types, envs, toEnv, onProgress, warn }: ExportOptions,
  take: (requests: readonly ExportedRequest[]) => Promise<boolean>,
): Promise<readonly string[]> {
  const leftOut: string[] = []
  const leaveOut = (label: string, text: string) => {
    leftOut.push(label)
    warn(text)
  }
  const records = await listLiveRecords(stores, { envs, types }, 'export')
  const variables = new Set<string>()
  let done = 0
  for (let at = 0; at < records.length; at += EXPORT_CHUNK) {
    const read = await runInParallel(records.slice(at, at + EXPORT_CHUNK), PARALLEL_SECRETS, async record => {
      const secret = await retry(stores, () => stores.secrets.read(record))
      if (secret.kind !== 'answered') throw secret.error
      onProgress(++done, records.length)
      return { record, credentials: secret.answer.data }
    })
    const requests = read.flatMap(({ record, credentials }) => {
      const source = ({ field, key }: SecretField) =>
        toEnv === undefined
          ? `vault:${stores.secrets.pathOf(record)}#${key}`
          : `env:${variableName(`${toEnv}_${record.name}_${field}`, variables)}`
      return requestOf(record, credentials, { source, toEnv, leaveOut })
    })
    if (requests.length && !(await take(requests))) return []
  }
  return leftOut
}

function requestOf(
  { name, env, type }: NamedRecord,
  credentials: Credentials | null,
  how: {
    source: (field: SecretField) => string
    toEnv: string | undefined
    leaveOut: (label: string, text: string) => void
  },
): readonly ExportedRequest[] {
  const known = findSourceType(type)
  if (!known || !credentials) {
    how.leaveOut(`${name} (${env})`, leftOutWarning({ name, env, type }, known))
    return []
  }
  const { fields, hidden } = fieldsOf(known, credentials, how.source)
  const label = `${hidden.join(', ')} of ${name} (${env})`
  if (hidden.length) how.leaveOut(label, `${name} (${env}): left out ${hidden.join(', ')}, which may contain a secret.`)
  return [{ name, env: how.toEnv ?? env, type, ...fields }]
}

/** Returns the live records of any of these types and envs, sorted by env and name, from one snapshot. */
export async function listLiveRecords(
  stores: Stores,
  { envs, types }: Pick<ListFilter, 'envs' | 'types'>,
  action?: LookupAudit['action'],
): Promise<readonly NamedRecord[]> {
  const records: NamedRecord[] = []
  const filter = { ...NO_FILTER, envs, types, ...(action && { action }) }
  await listAll(stores, filter, async page => {
    for (const { id, secretId, organizationId, name, type, env } of page) {
      records.push({ id, secretId, organizationId, name, type, env })
    }
    return true
  })
  return records.sort((a, b) => compare(a.env, b.env) || compare(a.name, b.name))
}

function fieldsOf(type: SourceType, credentials: Credentials, source: (field: SecretField) => string) {
  const shown = redactCredentials(type, credentials)
  const stored = normalizeCredentials(type, credentials)
  const fields: Record<string, unknown> = {}
  const hidden: string[] = []
  for (const [name, field] of Object.entries(type.fields)) {
    if (!Object.hasOwn(stored, name)) continue
    const value = shown[outputName(name, field)]
    const plain = Array.isArray(value) ? value[0] : value
    if (field.secret)
      fields[name] = { from: source({ field: name, key: storedName(name, field, credentials) ?? name }) }
    else if (typeof plain === 'string' && (isMask(plain) || plain.includes(REDACTED))) hidden.push(name)
    else fields[name] = plain
  }
  return { fields, hidden }
}

/** Returns an unused name for an environment variable that request files may refer to. */
function variableName(text: string, taken: Set<string>): string {
  const base = `DSCTL_SECRET_${text.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
  let name = base
  for (let count = 2; taken.has(name); count++) name = `${base}_${count}`
  taken.add(name)
  return name
}

function leftOutWarning(
  { name, env, type }: Pick<NamedRecord, 'name' | 'env' | 'type'>,
  known: SourceType | undefined,
): string {
  return known
    ? `${name} (${env}) has no credentials in Vault and was left out.`
    : `${name} (${env}) has the type ${type}, which this version of dsctl does not know, and was left out.`
}

// By code units, so that the order in committed files does not depend on a machine's locale.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
