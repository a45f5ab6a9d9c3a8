import { randomUUID } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pglitePool } from '../../src/embedded/pglite-pool.ts'
import type { Caller } from '../../src/ports/caller.ts'
import { openDatabase } from '../../src/postgres/connection/database.ts'
import { postgresPool } from '../../src/postgres/connection/pool.ts'
import { readConnectionSettings } from '../../src/postgres/connection/settings.ts'
import { postgresRecords } from '../../src/postgres/records/postgres-records.ts'
import { postgresSetup } from '../../src/postgres/schema/setup.ts'
import { preparedDataDir } from '../support/pglite-data.ts'
import { REAL_POSTGRES, type ScratchDatabase, scratchDatabase } from '../support/servers.ts'
import { memoryRecordsFixture } from './memory/memory-records-fixture.ts'
import type { RecordsFixture } from './records/suite.ts'
import { recordsContract } from './records.ts'

recordsContract('memory', memoryRecordsFixture)
recordsContract('Postgres', postgresRecordsFixture)
recordsContract('the embedded Postgres', embeddedRecordsFixture)
// Only for real Postgres: the embedded one has a single session, so no transaction can commit during a statement.
if (REAL_POSTGRES) raceTests()

function raceTests(): void {
  describe('another transaction commits while a statement waits', () => {
    let fixture: RecordsFixture & { database: ScratchDatabase }
    let organizationId: string
    let caller: Caller
    const names = { name: undefined, env: undefined }

    beforeAll(async () => {
      fixture = await postgresRecordsFixture()
    })
    afterAll(() => fixture?.drop())
    beforeEach(async () => {
      const email = `${randomUUID()}@example.com`
      organizationId = await fixture.addOrganization(email)
      await fixture.addMember({ userId: await fixture.addUser(email), organizationId, role: 'data_admin' })
      caller = { email, identitySource: 'a test', organization: undefined, roles: ['data_admin'] }
    })

    const newCreate = (name: string) => ({
      ...{ intentId: randomUUID(), id: randomUUID(), name, env: 'dev', type: 'postgres', fields: [], lease: 1000 },
      failsIfTaken: true,
    })
    const beginUpdate = async (id: string, name?: string) => {
      const update = {
        ...names,
        intentId: randomUUID(),
        ref: { text: id, env: undefined },
        name,
        fields: [],
        lease: 1000,
      }
      expect(await fixture.records.beginUpdate(caller, update)).toMatchObject({ kind: 'begun' })
      return update.intentId
    }
    const insertRecord = (name: string) => ({
      sql: `INSERT INTO data_sources (id, secret_id, organization_id, name, type, env) VALUES ($1, $1, $2, $3, 'mysql', 'dev')`,
      params: [randomUUID(), organizationId, name],
    })
    const change = (id: string, what: string) => ({
      sql: `UPDATE data_sources SET ${what} WHERE id = $1`,
      params: [id],
    })
    const add = (name: string) => fixture.addRecord({ organizationId, name })

    test('a name taken during a create’s commit leaves its intent open', async () => {
      const create = newCreate('wanted')
      await fixture.records.beginCreate(caller, create)
      const commit = () => fixture.records.commitCreate(create.intentId, 'postgres')
      expect(await runWhileLocked(fixture.database, insertRecord('wanted'), commit)).toMatchObject({
        kind: 'taken',
        id: undefined,
      })
      expect(await fixture.records.findIntent(create.intentId)).toMatchObject({ state: 'open' })
      expect(await fixture.readRecord(create.id)).toBe(undefined)
      expect(await fixture.events(caller.email)).toEqual([])
    })

    test('a taken name rolls back a batch of commits, each alone succeeds', async () => {
      const creates = ['one', 'wanted', 'two'].map(newCreate)
      await fixture.records.beginCreates(caller, creates)
      const rows = creates.map(({ intentId }) => ({ intentId, type: 'postgres' }))
      expect(
        await runWhileLocked(fixture.database, insertRecord('wanted'), () => fixture.records.commitCreates(rows)),
      ).toBe('rolled back')
      for (const { id } of creates) expect(await fixture.readRecord(id)).toBe(undefined)
      const alone = await Promise.all(rows.map(row => fixture.records.commitCreates([row])))
      expect(alone).toMatchObject([[{ kind: 'done' }], [{ kind: 'taken' }], [{ kind: 'done' }]])
    })

    test('a constraint that one create violates rolls back the batch', async () => {
      await fixture.database.query(`ALTER TABLE data_sources ADD CONSTRAINT no_evil CHECK (name <> 'evil')`)
      const creates = ['good', 'evil'].map(newCreate)
      await fixture.records.beginCreates(caller, creates)
      const rows = creates.map(({ intentId }) => ({ intentId, type: 'postgres' }))
      expect(await fixture.records.commitCreates(rows)).toBe('rolled back')
      expect(await fixture.records.commitCreates(rows.slice(0, 1))).toMatchObject([{ kind: 'done' }])
      await expect(fixture.records.commitCreates(rows.slice(1))).rejects.toMatchObject({ code: 'invalid' })
      await fixture.database.query('ALTER TABLE data_sources DROP CONSTRAINT no_evil')
    })

    test('concurrent batches of the same names never deadlock', async () => {
      const names = Array.from({ length: 40 }, (_, at) => `n${at}`)
      const lists = [names, [...names].reverse(), names].map(list => list.map(newCreate))
      const answers = await Promise.all(lists.map(creates => fixture.records.beginCreates(caller, creates)))
      const kinds = answers.flatMap(answer =>
        answer === 'rolled back' ? ['rolled back'] : answer.map(({ kind }) => kind),
      )
      expect(kinds.filter(kind => kind === 'begun')).toHaveLength(40)
      expect(kinds.every(kind => ['begun', 'busy', 'rolled back'].includes(kind))).toBe(true)
    })

    test('a name taken during an update’s commit changes nothing', async () => {
      const id = await add('old')
      const intentId = await beginUpdate(id, 'wanted')
      const commit = () => fixture.records.commitUpdate(intentId, ['name'])
      expect(await runWhileLocked(fixture.database, insertRecord('wanted'), commit)).toMatchObject({
        kind: 'taken',
        id: undefined,
      })
      expect(await fixture.records.findIntent(intentId)).toMatchObject({ state: 'open' })
      expect(await fixture.readRecord(id)).toMatchObject({ name: 'old' })
    })

    test('a name taken during a plain update is taken', async () => {
      const id = await add('old')
      const update = { eventId: randomUUID(), ref: { text: id, env: undefined }, name: 'wanted', env: undefined }
      const rename = () => fixture.records.updatePlain(caller, update)
      const taken = { kind: 'taken', id: undefined, name: 'wanted', env: undefined }
      expect(await runWhileLocked(fixture.database, insertRecord('wanted'), rename)).toEqual(taken)
      expect(await fixture.readRecord(id)).toMatchObject({ name: 'old' })
      expect(await fixture.events(caller.email)).toEqual([])
    })

    test('a record deleted during the commit is gone, its intent stays open', async () => {
      const id = await add('old')
      const intentId = await beginUpdate(id, 'wanted')
      const drop = change(id, 'deleted_at = now()')
      const commit = () => fixture.records.commitUpdate(intentId, ['name'])
      expect(await runWhileLocked(fixture.database, drop, commit)).toEqual({ kind: 'gone' })
      expect(await fixture.records.findIntent(intentId)).toMatchObject({ state: 'open' })
      expect(await fixture.readRecord(id)).toMatchObject({ name: 'old', deleted: true })
    })

    test('a rename during an update’s commit stays', async () => {
      const id = await add('old')
      const intentId = await beginUpdate(id)
      const rename = change(id, "name = 'by the application'")
      const answer = await runWhileLocked(fixture.database, rename, () =>
        fixture.records.commitUpdate(intentId, ['port']),
      )
      expect(answer).toMatchObject({ kind: 'done', record: { name: 'by the application' } })
      expect(await fixture.readRecord(id)).toMatchObject({ name: 'by the application' })
    })

    test('an intent moved to undoing during the commit changes nothing', async () => {
      const id = await add('old')
      const intentId = await beginUpdate(id, 'wanted')
      const undo = { sql: `UPDATE dsctl.pending_operations SET state = 'undoing' WHERE id = $1`, params: [intentId] }
      const commit = () => fixture.records.commitUpdate(intentId, ['name'])
      expect(await runWhileLocked(fixture.database, undo, commit)).toEqual({ kind: 'changed' })
      expect(await fixture.readRecord(id)).toMatchObject({ name: 'old' })
      expect(await fixture.events(caller.email)).toEqual([])
    })

    test('an intent moved to undoing keeps its base version', async () => {
      const intentId = await beginUpdate(await add('old'))
      const undo = { sql: `UPDATE dsctl.pending_operations SET state = 'undoing' WHERE id = $1`, params: [intentId] }
      expect(await runWhileLocked(fixture.database, undo, () => fixture.records.recordBaseVersion(intentId, 3))).toBe(
        'changed',
      )
      expect(await fixture.records.findIntent(intentId)).toMatchObject({ baseVersion: null })
    })

    test('an intent inserted during a delete’s begin blocks it', async () => {
      const id = await add('old')
      const record = {
        sql: `INSERT INTO dsctl.pending_operations (id, kind, state, data_source_id, secret_id, organization_id,
            actor_id, actor_email, actor_source, client, expires_at)
          SELECT $1, 'update', 'open', $2, $2, $3, u.id, u.email, '', '', now() + interval '1 hour'
          FROM users u WHERE u.email = $4`,
        params: [randomUUID(), id, organizationId, caller.email],
      }
      const remove = { intentId: randomUUID(), ref: { text: id, env: undefined }, lease: 1000 }
      const answer = await runWhileLocked(fixture.database, record, () => fixture.records.beginDelete(caller, remove))
      expect(answer).toEqual({ kind: 'busy', intent: undefined })
      expect(await fixture.readRecord(id)).toMatchObject({ deleted: false })
      expect(await fixture.events(caller.email)).toEqual([])
    })

    test('of many concurrent creates of one name only one begins', async () => {
      const creates = Array.from({ length: 8 }, () => fixture.records.beginCreate(caller, newCreate('wanted')))
      const kinds = (await Promise.all(creates)).map(({ kind }) => kind).sort()
      expect(kinds).toEqual(['begun', ...Array(7).fill('busy')].sort())
    })

    test('a begin sent several times at once records one intent', async () => {
      const create = newCreate('wanted')
      const tries = Array.from({ length: 4 }, () => fixture.records.beginCreate(caller, create))
      const kinds = (await Promise.all(tries)).map(({ kind }) => kind)
      expect(kinds.filter(kind => kind === 'begun')).toHaveLength(1)
      expect(kinds.every(kind => ['begun', 'already recorded', 'busy'].includes(kind))).toBe(true)
      expect(await fixture.records.beginCreate(caller, create)).toMatchObject({ kind: 'already recorded' })
    })

    test('a plain update sent several times at once is audited once', async () => {
      const id = await add('old')
      const update = { eventId: randomUUID(), ref: { text: id, env: undefined }, name: 'new', env: undefined }
      const tries = Array.from({ length: 4 }, () => fixture.records.updatePlain(caller, update))
      const kinds = (await Promise.all(tries)).map(({ kind }) => kind)
      expect(kinds).toContain('done')
      expect(await fixture.records.updatePlain(caller, update)).toMatchObject({ kind: 'done', record: { name: 'new' } })
      expect((await fixture.events(caller.email)).map(({ outcome }) => outcome)).toEqual(['done'])
    })
  })
}

/** Runs a statement that waits for a lock of another transaction, and commits that transaction while it waits. */
async function runWhileLocked<T>(
  database: ScratchDatabase,
  other: { sql: string; params: readonly unknown[] },
  run: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query(other.sql, [...other.params])
    const answer = run()
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    await expect.poll(() => database.query(waiting), { timeout: 20_000 }).toHaveLength(1)
    await client.query('COMMIT')
    return await answer
  } finally {
    await client.end()
  }
}

async function postgresRecordsFixture(): Promise<RecordsFixture & { database: ScratchDatabase }> {
  const database = await scratchDatabase()
  const connection = readConnectionSettings(database.url, {})
  const pool = postgresPool(connection, { timeoutMs: 30_000, trace: () => {} })
  const db = openDatabase(pool)
  await postgresSetup(db).prepare('empty')
  return {
    database,
    records: postgresRecords(db, 'dsctl'),
    ...sqlFixture(database),
    async drop() {
      await pool.end()
      await database.drop()
    },
  }
}

async function embeddedRecordsFixture(): Promise<RecordsFixture> {
  const pglite = await PGlite.create({ loadDataDir: await openAsBlob(await preparedDataDir()) })
  const db = openDatabase(pglitePool(pglite, { timeoutMs: 30_000, trace: () => {} }))
  await postgresSetup(db).prepare('empty')
  // biome-ignore lint/suspicious/noExplicitAny: rows have the columns of the statement
  const query = async (sql: string, params: readonly unknown[] = []) => (await pglite.query<any>(sql, [...params])).rows
  return { records: postgresRecords(db, 'dsctl'), ...sqlFixture({ query }), drop: () => pglite.close() }
}

/** The application's writes, and a look at the tables, in plain SQL. */
function sqlFixture({ query }: Pick<ScratchDatabase, 'query'>): Omit<RecordsFixture, 'records' | 'drop'> {
  return {
    async addOrganization(name) {
      return (await query('INSERT INTO organizations (name) VALUES ($1) RETURNING id', [name]))[0].id
    },
    async deleteOrganization(id) {
      await query('UPDATE organizations SET deleted_at = now() WHERE id = $1', [id])
    },
    async addUser(email) {
      return (await query('INSERT INTO users (email) VALUES ($1) RETURNING id', [email]))[0].id
    },
    async addMember({ userId, organizationId, role, status = 'active', deleted = false }) {
      await query(
        `INSERT INTO users_to_organizations (user_id, organization_id, role, status, deleted_at)
         VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END)`,
        [userId, organizationId, role, status, deleted],
      )
    },
    async addRecord(record) {
      const id = randomUUID()
      const { organizationId, name, env = 'dev', type = 'postgres', secretId = id, createdBy = null } = record
      await query(
        `INSERT INTO data_sources (id, secret_id, organization_id, name, env, type, created_by, updated_at, onboarding_status)
         VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, now()), $9)`,
        [
          ...[id, secretId, organizationId, name, env, type, createdBy],
          ...[record.updatedAt ?? null, record.onboardingStatus ?? 'notStarted'],
        ],
      )
      return id
    },
    async addDataSet({ dataSourceId, organizationId, name, deleted }) {
      await query(
        `INSERT INTO datasets (data_source_id, organization_id, name, deleted_at)
         VALUES ($1, $2, $3, CASE WHEN $4 THEN now() END)`,
        [dataSourceId, organizationId, name, deleted],
      )
    },
    async changeRecord(id, { name, deleted }) {
      if (name !== undefined) await query('UPDATE data_sources SET name = $2 WHERE id = $1', [id, name])
      if (deleted) await query('UPDATE data_sources SET deleted_at = now() WHERE id = $1', [id])
    },
    async readRecord(id) {
      const read = 'SELECT name, env, deleted_at IS NOT NULL AS deleted FROM data_sources WHERE id = $1'
      return (await query(read, [id]))[0]
    },
    events: actorEmail =>
      query(
        `SELECT organization_id AS "organizationId", actor_id AS "actorId", actor_source AS "actorSource", action,
           data_source_id AS "dataSourceId", data_source_name AS "dataSourceName", outcome, fields, before, after,
           settled_by AS "settledBy"
         FROM dsctl.audit_events WHERE actor_email = $1 ORDER BY at`,
        [actorEmail],
      ),
  }
}
