import type { Ended } from '../support/workers.ts'
import type { Command, Name } from './history.ts'

/** What happened when a history ran. Moments are numbered from 0. */
export interface HistoryRun {
  /** The ids of the sources that existed at the start. */
  readonly present: Readonly<Partial<Record<Name, string>>>
  readonly runs: readonly CommandRun[]
  readonly outsideWrites: readonly OutsideWrite[]
  /** The moments at which a doctor settled every intent, including those of commands that were still running. */
  readonly settledAt: readonly number[]
  /** A log of everything that happened, for a failure message. */
  readonly trace: readonly string[]
  /** The results of the doctors that ran without proxies. The last one has settled everything. */
  readonly doctors: readonly (Ended | undefined)[]
}

export interface CommandRun {
  /** For instance `c21`: the first command of the second process. Its audit events and intents name it as the version. */
  readonly label: string
  readonly command: Command
  /** The host and port that it writes, and that no other command writes. */
  readonly host: string
  readonly port: number
  readonly began: number
  /** Undefined if it was killed, as is `result`. */
  ended: number | undefined
  result: Ended | undefined
}

/** A secret written without dsctl. */
export interface OutsideWrite {
  /** The id of the data source. */
  readonly id: string
  /** The new value of `default_schema`, a field that no command writes. */
  readonly value: string
  readonly at: number
  /** Whether an operation on this source was unfinished. If so, rolling it back may also undo this write. */
  readonly during: boolean
}
