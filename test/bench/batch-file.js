import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The fields of one request of a batch. */
export function fieldsOf(at) {
  return { host: `db${at}.example.com`, port: 5432, username: 'app', password: `marker ${at}`, default_database: 'db' }
}

/** Writes a file with `count` requests in a new env. */
export function batchFile(folder, count) {
  const env = randomUUID()
  const requests = Array.from({ length: count }, (_, at) => ({
    name: `n${at}`,
    env,
    type: 'postgres',
    ...fieldsOf(at),
  }))
  const file = join(folder, `${env}.json`)
  writeFileSync(file, JSON.stringify(requests))
  return file
}
