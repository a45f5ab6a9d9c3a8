import { randomUUID } from 'node:crypto'
import type { Token } from './state.ts'

export type Json = Record<string, unknown>

/** A request, once its token is known. */
export interface Call {
  /** As policies name them. */
  readonly operation: 'create' | 'read' | 'update' | 'delete' | 'list'
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Json
  readonly token: Token
}

export interface Reply {
  readonly status: number
  readonly body?: unknown
}

/** An answer with data, in Vault's envelope. */
export function found(data: unknown, status = 200): Reply {
  return { status, body: envelope({ data }) }
}

export function envelope(parts: Json): Json {
  const empty = { lease_id: '', renewable: false, lease_duration: 0, data: null, wrap_info: null, warnings: null }
  return { request_id: randomUUID(), ...empty, auth: null, ...parts }
}

export function errors(status: number, ...messages: string[]): Reply {
  return { status, body: { errors: messages } }
}

export const DONE: Reply = { status: 204 }

export function notImplemented({ operation, path }: Call): Reply {
  return errors(501, `kv-server.ts does not implement ${operation} of ${path}`)
}

/** A property that is an object; {} where it is anything else. */
export function objectIn(body: Json, key: string): Json {
  const value = body[key]
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

export function textIn(body: Json, key: string): string {
  const value = body[key]
  return typeof value === 'string' ? value : ''
}

export function textsIn(body: Json, key: string): string[] {
  const value = body[key]
  return Array.isArray(value) ? value.map(String) : []
}

/** Seconds, given as a number or as text such as `90`, `30s`, `10m` or `1h`. */
export function secondsIn(body: Json, key: string): number {
  const match = /^(\d+)([smh]?)$/.exec(String(body[key] ?? '0'))
  if (!match) throw new Error(`it does not understand the duration in ${key}`)
  return Number(match[1]) * { '': 1, s: 1, m: 60, h: 3600 }[match[2] as '' | 's' | 'm' | 'h']
}
