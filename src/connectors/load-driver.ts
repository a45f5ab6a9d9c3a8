import type { DriverName } from '../source-types/source-type.ts'
import type { Driver } from './driver.ts'

const DRIVERS: Readonly<Record<DriverName, () => Promise<Driver>>> = {
  pg: async () => (await import('./pg.ts')).testPg,
  'databricks-rest': async () => (await import('./databricks-rest.ts')).testDatabricksRest,
  'bigquery-rest': async () => (await import('./bigquery-rest.ts')).testBigqueryRest,
  tedious: async () => (await import('./tedious.ts')).testTedious,
  'snowflake-sdk': async () => (await import('./snowflake-sdk.ts')).testSnowflakeSdk,
  mysql2: async () => (await import('./mysql2.ts')).testMysql2,
}

/** Imports a driver on first use: drivers are slow to load. */
export function loadDriver(name: DriverName): Promise<Driver> {
  return DRIVERS[name]()
}
