import type { Tone } from './colour.ts'
import { toPrintable } from './printable.ts'

/** One value of a table. A time is ISO 8601; a missing value is shown as `-`. */
export type Cell =
  | string
  | number
  | boolean
  | null
  | undefined
  | { readonly time: string | null | undefined }
  | { readonly text: string; readonly tone: Tone }

/** A cell's text as shown. */
export interface FormattedCell {
  readonly text: string
  readonly tone: Tone | undefined
}

/** A cell's text, safe to print. A time is shown relative to `now`, or unchanged without `now`. */
export function formatCell(cell: Cell, now: Date | undefined): FormattedCell {
  if (typeof cell !== 'object' || cell === null) return { text: shown(cell), tone: undefined }
  if ('text' in cell) return { text: shown(cell.text), tone: cell.tone }
  return { text: shown(cell.time && now ? timeAgo(cell.time, now) : cell.time), tone: undefined }
}

/**
 * A time relative to `now`, for example `3 hours ago` or `in 2 days`. A string that is not a time is returned
 * unchanged.
 */
export function timeAgo(time: string, now: Date): string {
  const seconds = (now.getTime() - Date.parse(time)) / 1000
  if (Number.isNaN(seconds)) return time
  const distance = Math.abs(seconds)
  const unit = UNITS.find(each => distance >= each.seconds)
  if (!unit) return 'just now'
  const count = Math.floor(distance / unit.seconds)
  const text = `${count} ${unit.name}${count === 1 ? '' : 's'}`
  return seconds < 0 ? `in ${text}` : `${text} ago`
}

const UNITS = [
  { name: 'year', seconds: 365 * 86_400 },
  { name: 'month', seconds: 30 * 86_400 },
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
]

function shown(value: string | number | boolean | null | undefined): string {
  const text = toPrintable(String(value ?? ''))
  return text === '' ? '-' : text
}
