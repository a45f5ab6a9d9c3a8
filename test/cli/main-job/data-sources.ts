import { randomUUID } from 'node:crypto'
import { plainFields } from '../../support/examples.ts'
import { json, type RunOptions } from '../../support/run.ts'
import type { Site } from '../../support/site.ts'

/** What the tests of a file do with the data sources of its site. The site need not exist yet. */
export function dataSourcesOf(getSite: () => Site) {
  /** Creates a data source. Returns the output as JSON. */
  async function createDataSource(request: Readonly<Record<string, unknown>>, options: RunOptions = {}) {
    const args = ['create', '-f', '-', '-o', 'json']
    const result = await getSite().dsctl(args, { stdin: JSON.stringify(request), ...options })
    if (result.code !== 0) throw new Error(`Could not create the data source: ${result.stderr}`)
    return json(result)
  }

  return {
    createDataSource,
    createPlain: (fields: Readonly<Record<string, unknown>> = {}) =>
      createDataSource({ name: unique('Plain'), env: 'dev', type: 'postgres', ...plainFields, ...fields }),
    secretOf: async (id: string) => (await getSite().vault.readSecret(`data-sources/${id}`))?.data,
    rowOf: async (id: string) => (await getSite().database.query('SELECT * FROM data_sources WHERE id = $1', [id]))[0],
  }
}

/** A name that no other test uses. */
export const unique = (name: string) => `${name} ${randomUUID().slice(0, 8)}`
