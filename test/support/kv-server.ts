import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { parseExactJson, stringifyExactJson } from '../../src/lib/exact-json.ts'
import { answerAuth } from './kv-server/auth.ts'
import type { Call, Json, Reply } from './kv-server/call.ts'
import { errors } from './kv-server/call.ts'
import { answerIdentity } from './kv-server/identity.ts'
import { answerKv1 } from './kv-server/kv1.ts'
import { answerKv2, keyExists } from './kv-server/kv2.ts'
import { capabilities } from './kv-server/policies.ts'
import { emptyState, findToken, mountOf, newToken, type State, type Token } from './kv-server/state.ts'
import { answerSystem } from './kv-server/system.ts'
import { listen } from './listen.ts'

/**
 * A replacement for OpenBao on machines without one. It implements the API that dsctl uses, and returns 501 for anything
 * else. test/contract/kv-server checks that it behaves like OpenBao.
 *
 * Lists must be requested as `GET …?list=true`, which Vault also accepts: Node's HTTP parser rejects the method LIST.
 */
export async function kvServer(): Promise<{ addr: string; rootToken: string; close(): void }> {
  const state = emptyState()
  const root = newToken(state, { id: randomBytes(12).toString('hex'), policies: ['root'], ttl: 0 })
  const server = createServer((request, response) => {
    read(request)
      .then(text => answer(state, request, text))
      .catch(error => errors(501, `kv-server.ts: ${error instanceof Error ? error.stack : error}`))
      .then(({ status, body }) => {
        const text = body === undefined ? '' : `${stringifyExactJson(body)}\n`
        response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
        response.end(text)
      })
  })
  const port = await listen(server)
  return { addr: `http://127.0.0.1:${port}`, rootToken: root.id, close: () => void server.close() }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function answer(state: State, request: IncomingMessage, text: string): Reply {
  const url = new URL(request.url ?? '', 'http://localhost')
  if (!url.pathname.startsWith('/v1/')) return { status: 404, body: { errors: [] } }
  const path = decodeURIComponent(url.pathname).replace(/^\/v1\//, '')
  const isList = request.method === 'GET' && url.searchParams.get('list') === 'true'
  const token = findToken(state, String(request.headers['x-vault-token'] ?? ''))
  const open = path === 'sys/health' || path === 'sys/seal-status' || path.startsWith('auth/userpass/login/')
  if (!open && !token) return errors(403, 'permission denied')
  const body = parse(text)
  if (!body) return errors(400, 'failed to decode JSON input')
  const operation = isList ? 'list' : operationOf(state, request.method ?? '', path)
  if (!operation) return errors(501, `kv-server.ts does not implement ${request.method}`)
  const call: Call = { operation, path, query: url.searchParams, body, token: token ?? NOBODY }
  if (!open && !permitted(state, call)) return errors(403, '1 error occurred:\n\t* permission denied\n\n')
  return dispatch(state, call)
}

const NOBODY: Token = newToken(emptyState(), { id: '', policies: [], ttl: 0 })

function parse(text: string): Json | undefined {
  if (!text) return {}
  try {
    const value: unknown = parseExactJson(text)
    return typeof value === 'object' && value !== null ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

function operationOf(state: State, method: string, path: string): Call['operation'] | undefined {
  if (method === 'GET') return 'read'
  if (method === 'DELETE') return 'delete'
  if (method !== 'POST' && method !== 'PUT') return undefined
  const mount = mountOf(state, path)
  return mount && !keyExists(mount, path.slice(mount.path.length)) ? 'create' : 'update'
}

function permitted(state: State, { path, operation, token }: Call): boolean {
  // Allowed for every token; the response depends on the token's policies.
  if (path.startsWith('sys/internal/ui/mounts/')) return true
  const rules = capabilities(state, token, operation === 'list' ? path.replace(/\/?$/, '/') : path)
  return rules.includes('root') || rules.includes(operation)
}

function dispatch(state: State, call: Call): Reply {
  if (call.path.startsWith('sys/')) return answerSystem(state, call)
  if (call.path.startsWith('auth/')) return answerAuth(state, call)
  if (call.path.startsWith('identity/')) return answerIdentity(state, call)
  const mount = mountOf(state, `${call.path}/`)
  if (!mount) return errors(404, `no handler for route "${call.path}". route entry not found.`)
  const inside = { ...call, path: call.path.slice(mount.path.length) }
  return mount.version === 2 ? answerKv2(mount, inside) : answerKv1(mount, inside)
}
