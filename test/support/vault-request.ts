import { request } from 'node:http'
import { parseExactJson, stringifyExactJson } from '../../src/lib/exact-json.ts'

export interface VaultRequest {
  readonly method: string
  /** Without `/v1/`. */
  readonly path: string
  /** Sent as JSON; text is sent unchanged. */
  readonly body?: unknown
}

export interface VaultAnswer {
  readonly status: number
  /** The parsed body; {} if there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: each test expects its own shape, and fails if it differs
  readonly body: any
}

/** Sends a request to Vault's API with a token, or without one if it is ''. */
export function vaultRequest(addr: string, token: string, { method, path, body }: VaultRequest): Promise<VaultAnswer> {
  const text = body === undefined || typeof body === 'string' ? body : stringifyExactJson(body)
  const headers = { ...(token && { 'X-Vault-Token': token }), 'Content-Length': Buffer.byteLength(text ?? '') }
  return new Promise((resolve, reject) => {
    const sent = request(`${addr}/v1/${path}`, { method, headers, agent: false }, answer => {
      const chunks: Buffer[] = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const content = Buffer.concat(chunks).toString()
        resolve({ status: answer.statusCode ?? 0, body: content ? parseExactJson(content) : {} })
      })
    })
    sent.on('error', reject)
    sent.end(text)
  })
}
