import { DsctlError, invalid } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import { typeRefusedError } from '../source-types/refused-type.ts'
import { permitted } from './authorize.ts'
import { type CreateRequest, create } from './create.ts'
import { readCredentials, type WithCredentials } from './credentials.ts'
import type { Stores } from './stores.ts'
import type { TestOptions } from './test-connection.ts'
import { IF_EXISTS_HINT, nameTakenError } from './two-stores/name-taken.ts'

import { update } from './update.ts'
import { updateVerified, verifyConnection } from './verify.ts'

export interface CreateOptions {
  /** What to do if the name is taken. */
  readonly ifExists: 'fail' | 'skip' | 'update'
  /** Check everything and write nothing. */
  readonly dryRun: boolean
  /** With --verify: how to test the connection before anything is written. */
  readonly testing?: TestOptions | undefined
  /** The fields to set on an existing data source. By default, all fields of the request. */
  readonly given?: Readonly<Record<string, Secret>>
}

export type CreateResult = WithCredentials & {
  readonly action: 'created' | 'skipped' | 'updated' | 'unchanged' | 'checked'
}

/** Creates a data source. If its name is taken, follows `ifExists`. */
export async function createIfAbsent(
  stores: Stores,
  request: CreateRequest,
  options: CreateOptions,
): Promise<CreateResult> {
  if (!options.testing)
    return options.dryRun ? checkOnly(stores, request, options) : createUnlessTaken(stores, request, options)
  const checked = await checkOnly(stores, request, options)
  const existing = options.ifExists === 'fail' || options.dryRun ? undefined : await findExisting(stores, request)
  if (existing) return skipOrUpdate(stores, existing, { request, options })
  const credentials = await verifyConnection(stores, request, options.testing)
  return options.dryRun ? checked : createUnlessTaken(stores, { ...request, credentials }, options)
}

async function createUnlessTaken(
  stores: Stores,
  request: CreateRequest,
  options: CreateOptions,
): Promise<CreateResult> {
  try {
    const onNameTaken = options.ifExists === 'fail' ? 'fail' : 'handle'
    const record = await create(stores, request, { onNameTaken })
    return { record, credentials: request.credentials, warnings: [], action: 'created' }
  } catch (error) {
    if (!isConflict(error) || options.ifExists === 'fail') throw error
    const existing = await findExisting(stores, request)
    if (!existing) throw error
    return skipOrUpdate(stores, existing, { request, options })
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof DsctlError && error.code === 'conflict'
}

/** Checks everything except the connection, and writes nothing. The returned record has no id. */
async function checkOnly(stores: Stores, request: CreateRequest, options: CreateOptions): Promise<CreateResult> {
  const { name, env } = request
  await checkMayCreate(stores, request, options)
  const now = new Date(0).toISOString()
  const blank = { onboardingStatus: 'notStarted', onboardingError: null, createdBy: null, dataSets: [] } as const
  const none = { id: '', secretId: '', organizationId: '', createdAt: now, updatedAt: now }
  const record = { ...blank, ...none, name, env, type: request.type }
  return { record, credentials: request.credentials, warnings: [], action: 'checked' }
}

/**
 * Throws if the caller may not create data sources, or if the name is taken and `ifExists` is `fail`. Needs no secrets,
 * so it can run before they are fetched. A refusal is audited, except in a dry run.
 */
export async function checkMayCreate(
  stores: Stores,
  { name, env, type }: Pick<CreateRequest, 'name' | 'env' | 'type'>,
  { ifExists, dryRun }: Pick<CreateOptions, 'ifExists' | 'dryRun'>,
): Promise<void> {
  const failsIfTaken = ifExists === 'fail'
  const attempt = dryRun ? undefined : { eventId: crypto.randomUUID(), action: 'create' as const, failsIfTaken }
  const free = permitted(await stores.records.findName(stores.caller, { name, env }, attempt))
  if (free.types && !free.types.includes(type)) throw typeRefusedError(type, free.types)
  if (free.kind === 'taken' && failsIfTaken) throw nameTakenError(free, IF_EXISTS_HINT)
}

async function findExisting(stores: Stores, { name, env, type }: CreateRequest) {
  const found = await stores.records.findName(stores.caller, { name, env })
  if (found.kind !== 'taken' || found.id === undefined) return undefined
  const ref = { text: found.id, env: undefined }
  const { record } = permitted(await stores.records.find(stores.caller, ref), name)
  if (record.type === type) return record
  throw invalid(`${name} exists in env ${env} as a ${record.type}.`, [
    { field: 'type', message: `is ${record.type} and cannot be changed` },
  ])
}

type ExistingRecord = WithCredentials['record']

async function skipOrUpdate(
  stores: Stores,
  existing: ExistingRecord,
  { request, options }: { request: CreateRequest; options: CreateOptions },
): Promise<CreateResult> {
  if (options.ifExists === 'skip') return { ...(await readCredentials(stores, existing)), action: 'skipped' }
  return updateExisting(stores, existing, { request, options })
}

async function updateExisting(
  stores: Stores,
  record: ExistingRecord,
  { request: { credentials }, options: { testing, given } }: { request: CreateRequest; options: CreateOptions },
): Promise<CreateResult> {
  const fields = given ?? Object.fromEntries(Object.entries(credentials).filter(([key]) => key !== 'type'))
  const none = { name: undefined, env: undefined, unset: [], expected: { id: undefined, type: undefined } }
  const request = { ...none, ref: { text: record.id, env: undefined }, fields }
  const { changed, ...updated } = await (testing
    ? updateVerified(stores, request, { testing, preview: false, readBack: true })
    : update(stores, request))
  return { ...updated, action: changed.length ? 'updated' : 'unchanged' }
}
