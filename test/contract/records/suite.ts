import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import type { OnboardingStatus } from '../../../src/domain/data-source.ts'
import type { Caller, Role } from '../../../src/ports/caller.ts'
import type { Intent } from '../../../src/ports/intent.ts'
import type { NewCreate, NewUpdate } from '../../../src/ports/record-steps.ts'
import type { Records } from '../../../src/ports/records.ts'
import { newCreate, newUpdate } from './requests.ts'

/** An implementation of Records, with what the tests need besides: the application's writes, and a look at the tables. */
export interface RecordsFixture {
  readonly records: Records
  addOrganization(name: string): Promise<string>
  deleteOrganization(id: string): Promise<void>
  addUser(email: string): Promise<string>
  addMember(member: { userId: string; organizationId: string; role: Role } & MemberState): Promise<void>
  /** Adds a live record, as the application would. */
  addRecord(record: AddedRecord): Promise<string>
  addDataSet(dataSet: { dataSourceId: string; organizationId: string; name: string; deleted: boolean }): Promise<void>
  /** Changes a record as the application would, regardless of intents. */
  changeRecord(id: string, change: { name?: string; deleted?: true }): Promise<void>
  /** Reads a record, deleted or not. */
  readRecord(id: string): Promise<{ name: string; env: string; deleted: boolean } | undefined>
  /** The audit events of a person, oldest first. */
  events(actorEmail: string): Promise<RecordedEvent[]>
  drop(): Promise<void>
}

export interface MemberState {
  readonly status?: 'active' | 'inactive' | 'pending' | 'guest'
  readonly deleted?: boolean
}

export interface AddedRecord {
  readonly organizationId: string
  readonly name: string
  readonly env?: string
  readonly type?: string
  readonly secretId?: string
  readonly createdBy?: string
  readonly updatedAt?: Date
  readonly onboardingStatus?: OnboardingStatus
}

/** An audit event without its id, time and client. */
export interface RecordedEvent {
  readonly organizationId: string | null
  readonly actorId: string | null
  readonly actorSource: string
  readonly action: string
  readonly dataSourceId: string | null
  readonly dataSourceName: string | null
  readonly outcome: string
  readonly fields: readonly string[]
  readonly before: unknown
  readonly after: unknown
  readonly settledBy: string | null
}

/** What each test works with. Every test has an organization and a caller of its own. */
export interface RecordsSuite {
  readonly fixture: RecordsFixture
  readonly records: Records
  readonly organizationId: string
  /** The organization's name. */
  readonly organization: string
  /** The caller's user id. */
  readonly userId: string
  readonly caller: Caller
  /** A number for unique names. */
  readonly unique: number
  /** Adds a record to the test's organization. */
  add(record: Omit<AddedRecord, 'organizationId'>): Promise<string>
  /** The audit events of the caller, oldest first. */
  events(): Promise<RecordedEvent[]>
  /** Begins a create and expects success. Returns the request. */
  openCreate(create?: Partial<NewCreate>): Promise<NewCreate>
  /** Begins an update of the source that `text` refers to, and expects success. Returns the intent's id. */
  openUpdate(text: string, update?: Partial<NewUpdate>): Promise<string>
  stateOf(intentId: string): Promise<Partial<Intent> | undefined>
}

/** Opens the fixture before the tests of the enclosing `describe`, and a new organization before each of them. */
export function recordsSuite(open: () => Promise<RecordsFixture>): RecordsSuite {
  let fixture: RecordsFixture
  let current: Pick<RecordsSuite, 'organization' | 'organizationId' | 'userId' | 'caller'>
  let unique = 0

  beforeAll(async () => {
    fixture = await open()
  })
  afterAll(() => fixture?.drop())
  beforeEach(async () => {
    const email = `Person${++unique}@example.com`
    const organization = `Organization ${unique}`
    const organizationId = await fixture.addOrganization(organization)
    const userId = await fixture.addUser(email)
    await fixture.addMember({ userId, organizationId, role: 'data_admin' })
    const caller: Caller = {
      ...{ email, identitySource: 'a test', organization: undefined },
      roles: ['workspace_admin', 'data_admin'],
    }
    current = { organization, organizationId, userId, caller }
  })

  return {
    get fixture() {
      return fixture
    },
    get records() {
      return fixture.records
    },
    get organizationId() {
      return current.organizationId
    },
    get organization() {
      return current.organization
    },
    get userId() {
      return current.userId
    },
    get caller() {
      return current.caller
    },
    get unique() {
      return unique
    },
    add: record => fixture.addRecord({ organizationId: current.organizationId, ...record }),
    events: () => fixture.events(current.caller.email),
    async openCreate(create = {}) {
      const { caller, organizationId } = current
      const request = newCreate(create)
      expect(await fixture.records.beginCreate(caller, request)).toEqual({ kind: 'begun', organizationId })
      return request
    },
    async openUpdate(text, update = {}) {
      const request = newUpdate(text, update)
      expect(await fixture.records.beginUpdate(current.caller, request)).toMatchObject({ kind: 'begun' })
      return request.intentId
    },
    async stateOf(intentId) {
      const intent = await fixture.records.findIntent(intentId)
      return intent && { state: intent.state, outcome: intent.outcome }
    },
  }
}
