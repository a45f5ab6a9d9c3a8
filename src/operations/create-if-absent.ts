import { DsctlError, invalid } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import { permitted } from './authorize.ts'
import { type CreateRequest, create } from './create.ts'
import { readCredentials, type WithCredentials } from './credentials.ts'
import type { Stores } from './stores.ts'
import type { Testing } from './test-connection.ts'
import { nameTaken, OR_TAKE_IT } from './two-stores/commit.ts'
import { update } from './update.ts'
import { verifiedUpdate, verify } from './verify.ts'

export interface Creation {
  /** What to do where the name is taken. */
  readonly ifExists: 'fail' | 'skip' | 'update'
  /** Check everything, write nothing. */
  readonly dryRun: boolean
  /** Where nothing may be written that does not connect. */
  readonly testing?: Testing | undefined
  /** What to give it where it is there already; all of the request unless said. */
  readonly given?: Readonly<Record<string, Secret>>
}

export type Created = WithCredentials & { readonly action: 'created' | 'skipped' | 'updated' | 'unchanged' | 'checked' }

/** Creates a data source; where its name is taken, does as it was told. */
export async function createOr(stores: Stores, request: CreateRequest, how: Creation): Promise<Created> {
  if (!how.testing) return how.dryRun ? check(stores, request, how) : createUnlessTaken(stores, request, how)
  const free = await check(stores, request, how)
  const existing = how.ifExists === 'fail' || how.dryRun ? undefined : await findExisting(stores, request)
  if (existing) return leaveOrChange(stores, existing, { request, how })
  const credentials = await verify(stores, request, how.testing)
  return how.dryRun ? free : createUnlessTaken(stores, { ...request, credentials }, how)
}

async function createUnlessTaken(stores: Stores, request: CreateRequest, how: Creation): Promise<Created> {
  try {
    const record = await create(stores, request, how.ifExists === 'fail')
    return { record, credentials: request.credentials, warnings: [], action: 'created' }
  } catch (error) {
    if (!isConflict(error) || how.ifExists === 'fail') throw error
    const existing = await findExisting(stores, request)
    if (!existing) throw error
    return leaveOrChange(stores, existing, { request, how })
  }
}

function leaveOrChange(
  stores: Stores,
  existing: Existing,
  { request, how }: { request: CreateRequest; how: Creation },
): Promise<Created> {
  return how.ifExists === 'skip' ? skip(stores, existing) : change(stores, existing, { request, how })
}

/**
 * Throws where a create would be refused, for want of permission or of the name, before any secret is fetched. Unless it
 * is a dry run, the audit trail tells of it.
 */
export async function checkMayCreate(
  stores: Stores,
  { name, env }: Pick<CreateRequest, 'name' | 'env'>,
  { ifExists, dryRun }: Pick<Creation, 'ifExists' | 'dryRun'>,
): Promise<void> {
  const failsIfTaken = ifExists === 'fail'
  const attempt = dryRun ? undefined : { eventId: crypto.randomUUID(), action: 'create' as const, failsIfTaken }
  const free = permitted(await stores.records.findName(stores.caller, name, env, attempt))
  if (free.kind === 'taken' && failsIfTaken) throw nameTaken(free, OR_TAKE_IT)
}

async function check(stores: Stores, request: CreateRequest, how: Creation): Promise<Created> {
  const { name, env } = request
  await checkMayCreate(stores, request, how)
  const now = new Date(0).toISOString()
  const blank = { onboardingStatus: 'notStarted', onboardingError: null, createdBy: null, dataSets: [] } as const
  const none = { id: '', secretId: '', organizationId: '', createdAt: now, updatedAt: now }
  const record = { ...blank, ...none, name, env, type: request.type }
  return { record, credentials: request.credentials, warnings: [], action: 'checked' }
}

async function findExisting(stores: Stores, { name, env, type }: CreateRequest) {
  const found = await stores.records.findName(stores.caller, name, env)
  if (found.kind !== 'taken' || found.id === undefined) return undefined
  const { record } = permitted(
    await stores.records.find(stores.caller, { text: found.id, env: undefined }, false),
    name,
  )
  if (record.type === type) return record
  throw invalid(`${name} exists in env ${env} as a ${record.type}.`, [
    { field: 'type', message: `is ${record.type} and cannot be changed` },
  ])
}

type Existing = WithCredentials['record']

async function skip(stores: Stores, record: Existing): Promise<Created> {
  return { ...(await readCredentials(stores, record)), action: 'skipped' }
}

async function change(
  stores: Stores,
  record: Existing,
  { request: { credentials }, how: { testing, given } }: { request: CreateRequest; how: Creation },
): Promise<Created> {
  const fields = given ?? Object.fromEntries(Object.entries(credentials).filter(([key]) => key !== 'type'))
  const none = { name: undefined, env: undefined, unset: [], expected: { id: undefined, type: undefined } }
  const request = { ...none, ref: { text: record.id, env: undefined }, fields }
  const { changed, ...updated } = await (testing
    ? verifiedUpdate(stores, request, { testing, preview: false, wanted: true })
    : update(stores, request))
  return { ...updated, action: changed.length ? 'updated' : 'unchanged' }
}

function isConflict(error: unknown): boolean {
  return error instanceof DsctlError && error.code === 'conflict'
}
