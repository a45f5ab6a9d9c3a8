import { request } from 'node:http'

export interface VaultRequest {
  readonly method: string
  /** Without `/v1/`. */
  readonly path: string
  /** Sent as JSON, or as it is where it is text. */
  readonly body?: unknown
}

export interface VaultAnswer {
  readonly status: number
  /** The parsed body; {} where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever shape it expects, and fails where it is not so
  readonly body: any
}

/** One raw request to Vault's API, sent with a token ('' sends none). */
export function vaultRequest(addr: string, token: string, { method, path, body }: VaultRequest): Promise<VaultAnswer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { ...(token && { 'X-Vault-Token': token }), 'Content-Length': Buffer.byteLength(text ?? '') }
  return new Promise((resolve, reject) => {
    const sent = request(`${addr}/v1/${path}`, { method, headers, agent: false }, answer => {
      const chunks: Buffer[] = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const content = Buffer.concat(chunks).toString()
        resolve({ status: answer.statusCode ?? 0, body: content ? JSON.parse(content) : {} })
      })
    })
    sent.on('error', reject)
    sent.end(text)
  })
}
