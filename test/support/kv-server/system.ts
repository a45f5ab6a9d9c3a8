import { randomBytes } from 'node:crypto'
import type { Call, Json, Reply } from './call.ts'
import { DONE, envelope, errors, found, notImplemented, objectIn, textIn, textsIn } from './call.ts'
import { capabilities, parsePolicy } from './policies.ts'
import { type Mount, mountOf, newMount, type State, TOKEN_ACCESSOR } from './state.ts'

const HEALTH = { initialized: true, sealed: false, standby: false, version: '2.7.2', cluster_name: 'kv-server' }

/** Handles requests below sys/. */
export function answerSystem(state: State, call: Call): Reply {
  const { operation, path } = call
  const verb = operation === 'create' ? 'update' : operation
  const [, place = '', name = ''] =
    /^sys\/(internal\/ui\/mounts|mounts|auth|policies\/acl|.*)(?:\/(.*))?$/.exec(path) ?? []
  switch (`${verb} ${place}`) {
    case 'read health':
      return { status: 200, body: { ...HEALTH, server_time_utc: Math.floor(Date.now() / 1000) } }
    case 'read seal-status':
      return { status: 200, body: { type: 'shamir', ...HEALTH, t: 1, n: 1, progress: 0, storage_type: 'inmem' } }
    case 'update capabilities-self':
      return readCapabilities(state, call)
    case 'read internal/ui/mounts':
      return mountInside(state, call, name)
    case 'read mounts':
      return readMounts(state, name)
    case 'update mounts':
      return createMount(state, name, call.body)
    case 'delete mounts':
      state.mounts.delete(`${name.replace(/\/$/, '')}/`)
      return DONE
    case 'read auth':
      return flat(authMounts(state))
    case 'update auth':
      return enableUserpass(state, name, call)
    case 'update policies/acl':
      return writePolicy(state, name, call.body)
    default:
      return notImplemented(call)
  }
}

function readCapabilities(state: State, { body, token }: Call): Reply {
  const paths = body.paths === undefined ? [textIn(body, 'path')] : textsIn(body, 'paths')
  const data: Json = Object.fromEntries(paths.map(path => [path, capabilities(state, token, path)]))
  const [only] = paths
  return flat(paths.length === 1 && only !== undefined ? { ...data, capabilities: data[only] } : data)
}

/** Older endpoints return their data twice: inside the envelope and at the top level. */
function flat(data: Json): Reply {
  return { status: 200, body: { ...data, ...envelope({ data }) } }
}

function mountInside(state: State, { token }: Call, name: string): Reply {
  const mount = mountOf(state, `${name}/`)
  if (mount && mayReachInto(state, token.policies, mount)) return found({ ...describe(mount), path: mount.path })
  const path = name.replace(/\/?$/, '/')
  return errors(
    403,
    `preflight capability check returned 403, please ensure client's policies grant access to path "${path}"`,
  )
}

function mayReachInto(state: State, policies: readonly string[], mount: Mount): boolean {
  if (policies.includes('root')) return true
  const rules = policies.flatMap(name => parsePolicy(state.policies.get(name) ?? ''))
  return rules.some(rule => rule.pattern.startsWith(mount.path) && !rule.capabilities.includes('deny'))
}

function describe(mount: Mount): Json {
  const config = { default_lease_ttl: 0, force_no_cache: false, max_lease_ttl: 0 }
  return { accessor: mount.accessor, config, description: '', options: { version: String(mount.version) }, type: 'kv' }
}

function readMounts(state: State, name: string): Reply {
  if (!name) return flat(Object.fromEntries([...state.mounts.values()].map(mount => [mount.path, describe(mount)])))
  const mount = state.mounts.get(`${name}/`)
  return mount ? flat(describe(mount)) : errors(400, `No secret engine mount at ${name}/`)
}

function createMount(state: State, name: string, body: Json): Reply {
  if (body.type !== 'kv') throw new Error('it mounts kv alone')
  if (state.mounts.has(`${name}/`)) return errors(400, `path is already in use at ${name}/`)
  state.mounts.set(`${name}/`, newMount(`${name}/`, objectIn(body, 'options').version === '2' ? 2 : 1))
  return DONE
}

function authMounts(state: State): Json {
  const userpass = state.userpassAccessor
  return {
    'token/': { accessor: TOKEN_ACCESSOR, type: 'token' },
    ...(userpass && { 'userpass/': { accessor: userpass, type: 'userpass' } }),
  }
}

function enableUserpass(state: State, name: string, call: Call): Reply {
  if (name !== 'userpass') return notImplemented(call)
  if (state.userpassAccessor) return errors(400, 'path is already in use at userpass/')
  state.userpassAccessor = `auth_userpass_${randomBytes(4).toString('hex')}`
  return DONE
}

function writePolicy(state: State, name: string, body: Json): Reply {
  parsePolicy(textIn(body, 'policy'))
  state.policies.set(name, textIn(body, 'policy'))
  return DONE
}
