import { randomUUID } from 'node:crypto'
import type { RecordsFixture } from '../records/suite.ts'
import { emptyDatabase } from './database.ts'
import { memoryRecords } from './memory-records.ts'

/** Records in memory. The clock advances by 1 ms with each statement. */
export async function memoryRecordsFixture(): Promise<RecordsFixture> {
  const db = emptyDatabase(Date.now(), 1)
  const rowOf = (id: string) => db.rows.find(row => row.id === id)
  return {
    records: memoryRecords(db, 'dsctl'),
    async addOrganization(name) {
      const id = randomUUID()
      db.organizations.push({ id, name, deleted: false })
      return id
    },
    async deleteOrganization(id) {
      for (const organization of db.organizations) organization.deleted ||= organization.id === id
    },
    async addUser(email) {
      const id = randomUUID()
      db.users.push({ id, email, name: null })
      return id
    },
    addMember: async member => void db.memberships.push({ status: 'active', deleted: false, ...member }),
    async addRecord({ updatedAt, ...record }) {
      const id = randomUUID()
      db.rows.push({
        ...{ id, secretId: id, env: 'dev', type: 'postgres', createdBy: null, onboardingStatus: 'notStarted' },
        ...{ createdAt: db.now, updatedAt: updatedAt?.getTime() ?? db.now, deleted: false, writes: 0 },
        ...record,
      })
      return id
    },
    async addDataSet({ dataSourceId, name, deleted }) {
      db.dataSets.push({ id: randomUUID(), name, dataSourceId, deleted })
    },
    changeRecord: async (id, change) => void Object.assign(rowOf(id) ?? {}, change),
    async readRecord(id) {
      const row = rowOf(id)
      return row && { name: row.name, env: row.env, deleted: row.deleted }
    },
    async events(actorEmail) {
      const own = db.events.filter(event => event.actorEmail === actorEmail)
      return own.map(({ id, client, actorEmail, ...rest }) => structuredClone(rest))
    },
    drop: async () => {},
  }
}
