import { DsctlError, invalid } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import { permitted } from './authorize.ts'
import { type CreateRequest, create } from './create.ts'
import { readCredentials, type WithCredentials } from './credentials.ts'
import type { Stores } from './stores.ts'
import type { TestOptions } from './test-connection.ts'
import { IF_EXISTS_HINT, nameTakenError } from './two-stores/commit.ts'
import { update } from './update.ts'
import { updateVerified, verifyConnection } from './verify.ts'

export interface CreateOptions {
  /** What to do where the name is taken. */
  readonly ifExists: 'fail' | 'skip' | 'update'
  /** Check everything, write nothing. */
  readonly dryRun: boolean
  /** Where nothing may be written that does not connect. */
  readonly testing?: TestOptions | undefined
  /** What to give it where it is there already; all of the request unless said. */
  readonly given?: Readonly<Record<string, Secret>>
}

export type CreateResult = WithCredentials & {
  readonly action: 'created' | 'skipped' | 'updated' | 'unchanged' | 'checked'
}

/** Creates a data source; where its name is taken, does as it was told. */
export async function createIfAbsent(
  stores: Stores,
  request: CreateRequest,
  how: CreateOptions,
): Promise<CreateResult> {
  if (!how.testing) return how.dryRun ? checkOnly(stores, request, how) : createUnlessTaken(stores, request, how)
  const free = await checkOnly(stores, request, how)
  const existing = how.ifExists === 'fail' || how.dryRun ? undefined : await findExisting(stores, request)
  if (existing) return skipOrUpdate(stores, existing, { request, how })
  const credentials = await verifyConnection(stores, request, how.testing)
  return how.dryRun ? free : createUnlessTaken(stores, { ...request, credentials }, how)
}

async function createUnlessTaken(stores: Stores, request: CreateRequest, how: CreateOptions): Promise<CreateResult> {
  try {
    const record = await create(stores, request, how.ifExists === 'fail')
    return { record, credentials: request.credentials, warnings: [], action: 'created' }
  } catch (error) {
    if (!isConflict(error) || how.ifExists === 'fail') throw error
    const existing = await findExisting(stores, request)
    if (!existing) throw error
    return skipOrUpdate(stores, existing, { request, how })
  }
}

function skipOrUpdate(
  stores: Stores,
  existing: Existing,
  { request, how }: { request: CreateRequest; how: CreateOptions },
): Promise<CreateResult> {
  return how.ifExists === 'skip' ? skip(stores, existing) : updateExisting(stores, existing, { request, how })
}

/**
 * Throws where a create would be refused, for want of permission or of the name, before any secret is fetched. Unless it
 * is a dry run, the audit trail tells of it.
 */
export async function checkMayCreate(
  stores: Stores,
  { name, env }: Pick<CreateRequest, 'name' | 'env'>,
  { ifExists, dryRun }: Pick<CreateOptions, 'ifExists' | 'dryRun'>,
): Promise<void> {
  const failsIfTaken = ifExists === 'fail'
  const attempt = dryRun ? undefined : { eventId: crypto.randomUUID(), action: 'create' as const, failsIfTaken }
  const free = permitted(await stores.records.findName(stores.caller, { name, env }, attempt))
  if (free.kind === 'taken' && failsIfTaken) throw nameTakenError(free, IF_EXISTS_HINT)
}

async function checkOnly(stores: Stores, request: CreateRequest, how: CreateOptions): Promise<CreateResult> {
  const { name, env } = request
  await checkMayCreate(stores, request, how)
  const now = new Date(0).toISOString()
  const blank = { onboardingStatus: 'notStarted', onboardingError: null, createdBy: null, dataSets: [] } as const
  const none = { id: '', secretId: '', organizationId: '', createdAt: now, updatedAt: now }
  const record = { ...blank, ...none, name, env, type: request.type }
  return { record, credentials: request.credentials, warnings: [], action: 'checked' }
}

async function findExisting(stores: Stores, { name, env, type }: CreateRequest) {
  const found = await stores.records.findName(stores.caller, { name, env })
  if (found.kind !== 'taken' || found.id === undefined) return undefined
  const { record } = permitted(await stores.records.find(stores.caller, { text: found.id, env: undefined }), name)
  if (record.type === type) return record
  throw invalid(`${name} exists in env ${env} as a ${record.type}.`, [
    { field: 'type', message: `is ${record.type} and cannot be changed` },
  ])
}

type Existing = WithCredentials['record']

async function skip(stores: Stores, record: Existing): Promise<CreateResult> {
  return { ...(await readCredentials(stores, record)), action: 'skipped' }
}

async function updateExisting(
  stores: Stores,
  record: Existing,
  { request: { credentials }, how: { testing, given } }: { request: CreateRequest; how: CreateOptions },
): Promise<CreateResult> {
  const fields = given ?? Object.fromEntries(Object.entries(credentials).filter(([key]) => key !== 'type'))
  const none = { name: undefined, env: undefined, unset: [], expected: { id: undefined, type: undefined } }
  const request = { ...none, ref: { text: record.id, env: undefined }, fields }
  const { changed, ...updated } = await (testing
    ? updateVerified(stores, request, { testing, preview: false, wanted: true })
    : update(stores, request))
  return { ...updated, action: changed.length ? 'updated' : 'unchanged' }
}

function isConflict(error: unknown): boolean {
  return error instanceof DsctlError && error.code === 'conflict'
}
