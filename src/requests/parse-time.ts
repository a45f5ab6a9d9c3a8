import { invalid } from '../domain/errors.ts'
import type { TimeBound } from '../ports/audit-trail.ts'

const SECONDS = { m: 60, h: 3_600, d: 86_400, w: 604_800 } as const
const TIME_FORMAT = /^(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?(Z|[+-]\d\d:\d\d)?$/

/**
 * Parses a date, a date and time (in UTC by default), or how long ago (`30m`, `12h`, `7d`, `2w`). Throws `invalid` for
 * `field`.
 */
export function parseTime(field: string, text: string): TimeBound {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  if (count && unit) return { secondsAgo: Number(count) * SECONDS[unit as keyof typeof SECONDS] }
  const [, date, time = 'T00:00', zone = 'Z'] = TIME_FORMAT.exec(text) ?? []
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}${time.replace(' ', 'T')}${zone}`)
  // Date.parse accepts February 31 as a day in March.
  const isDay = () => date !== undefined && new Date(`${date}T00:00Z`).toISOString().startsWith(date)
  if (!Number.isNaN(ms) && isDay()) return { at: new Date(ms).toISOString() }
  const message = 'must be a time such as 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 30m, 12h, 7d, 2w'
  throw invalid('Invalid command line.', [{ field, message }])
}
