import { randomUUID } from 'node:crypto'
import type { Call, Reply } from './call.ts'
import { DONE, envelope, errors, found, notImplemented, objectIn, secondsIn, textIn, textsIn } from './call.ts'
import { newToken, type State, secondsLeft, type Token } from './state.ts'

const LONGEST = 2764800

/** Handles requests below auth/: tokens, and users of the userpass mount. */
export function answerAuth(state: State, call: Call): Reply {
  const { operation, path, token } = call
  const isWrite = operation === 'create' || operation === 'update'
  const [, userAction, user = ''] = /^auth\/userpass\/(users|login)\/([^/]+)$/.exec(path) ?? []
  if (path === 'auth/token/lookup-self' && operation === 'read') return found(describe(token))
  if (path === 'auth/token/create' && isWrite) return createToken(state, call)
  if (path === 'auth/token/revoke-self' && isWrite) {
    if (token.type === 'batch') return errors(400, 'batch tokens cannot be revoked')
    revoke(state, token.id)
    return DONE
  }
  if (userAction && state.userpassAccessor === undefined)
    return errors(404, `no handler for route "${path}". route entry not found.`)
  if (userAction === 'users' && isWrite) return writeUser(state, user, call)
  if (userAction === 'login' && isWrite) return logIn(state, user, call)
  return notImplemented(call)
}

function describe(token: Token) {
  const created = new Date(token.created)
  return {
    accessor: token.accessor,
    creation_time: Math.floor(token.created / 1000),
    creation_ttl: token.ttl,
    display_name: token.displayName,
    entity_id: token.entityId,
    expire_time: token.ttl ? new Date(token.created + token.ttl * 1000).toISOString() : null,
    explicit_max_ttl: 0,
    id: token.id,
    issue_time: created.toISOString(),
    meta: token.meta,
    num_uses: 0,
    orphan: token.parent === '',
    path: token.path,
    policies: token.policies,
    renewable: token.ttl > 0,
    ttl: secondsLeft(token),
    type: token.type,
  }
}

/** A child token has its parent's entity. */
function createToken(state: State, { body, token: parent }: Call): Reply {
  const given = textsIn(body, 'policies')
  const wanted = given.length ? given : [...parent.policies]
  const isRoot = parent.policies.includes('root')
  if (!isRoot && wanted.some(name => name !== 'default' && !parent.policies.includes(name)))
    return errors(400, 'child policies must be subset of parent')
  const plain = body.no_default_policy === true || wanted.includes('root')
  const token = newToken(state, {
    parent: parent.id,
    type: textIn(body, 'type') === 'batch' ? 'batch' : 'service',
    policies: [...new Set(plain ? wanted : ['default', ...wanted])].sort(),
    ttl: secondsIn(body, 'ttl') || (wanted.includes('root') ? 0 : LONGEST),
    meta: body.meta ? objectIn(body, 'meta') : null,
    displayName: textIn(body, 'display_name') ? `token-${textIn(body, 'display_name')}` : 'token',
    entityId: parent.entityId,
  })
  return issued(token)
}

function revoke(state: State, id: string): void {
  state.tokens.delete(id)
  for (const token of [...state.tokens.values()]) if (token.parent === id) revoke(state, token.id)
}

function issued(token: Token): Reply {
  const auth = {
    client_token: token.id,
    accessor: token.accessor,
    policies: token.policies,
    token_policies: token.policies,
    metadata: token.meta,
    lease_duration: token.ttl,
    renewable: token.ttl > 0,
    entity_id: token.entityId,
    token_type: token.type,
    orphan: token.parent === '',
    num_uses: 0,
  }
  return { status: 200, body: envelope({ auth }) }
}

function writeUser(state: State, name: string, { body }: Call): Reply {
  const policies = textsIn(body, 'token_policies')
  state.users.set(name, { password: textIn(body, 'password'), policies, ttl: secondsIn(body, 'token_ttl') })
  return DONE
}

function logIn(state: State, name: string, { body }: Call): Reply {
  const user = state.users.get(name)
  if (!user || user.password !== body.password) return errors(400, 'invalid username or password')
  const token = newToken(state, {
    path: `auth/userpass/login/${name}`,
    policies: [...new Set(['default', ...user.policies])].sort(),
    ttl: user.ttl || LONGEST,
    meta: { username: name },
    displayName: `userpass-${name}`,
    entityId: entityOf(state, name),
  })
  return issued(token)
}

/** The entity with this user's alias. The first login creates it if it does not exist. */
function entityOf(state: State, name: string): string {
  const accessor = state.userpassAccessor ?? ''
  const known = [...state.entities.values()].find(entity => entity.aliases.some(alias => alias.name === name))
  if (known) return known.id
  const id = randomUUID()
  const created = new Date().toISOString()
  const aliases = [{ id: randomUUID(), name, accessor, created }]
  state.entities.set(id, { id, name: `entity_${id.slice(0, 8)}`, metadata: null, created, aliases })
  return id
}
