import { randomUUID } from 'node:crypto'
import type { Call, Reply } from './call.ts'
import { DONE, errors, found, notImplemented, objectIn, textIn } from './call.ts'
import type { Entity, State } from './state.ts'

/** Handles requests below identity/: entities and their aliases on the userpass mount. */
export function answerIdentity(state: State, call: Call): Reply {
  const { operation, path } = call
  const isWrite = operation === 'create' || operation === 'update'
  const id = /^identity\/entity\/id\/([^/]+)$/.exec(path)?.[1]
  if (path === 'identity/entity' && isWrite) return writeEntity(state, call)
  if (path === 'identity/entity-alias' && isWrite) return writeAlias(state, call)
  if (id === undefined) return notImplemented(call)
  const entity = state.entities.get(id)
  if (operation === 'read') return entity ? found(describe(entity)) : errors(404)
  if (!isWrite || !entity) return notImplemented(call)
  entity.metadata = objectIn(call.body, 'metadata')
  return DONE
}

function writeEntity(state: State, { body }: Call): Reply {
  const name = textIn(body, 'name')
  const metadata = body.metadata ? objectIn(body, 'metadata') : null
  const known = [...state.entities.values()].find(entity => entity.name === name)
  if (known) {
    known.metadata = metadata
    return DONE
  }
  const id = randomUUID()
  state.entities.set(id, { id, name, metadata, created: new Date().toISOString(), aliases: [] })
  return found({ aliases: null, id, name })
}

function writeAlias(state: State, { body }: Call): Reply {
  const entity = state.entities.get(textIn(body, 'canonical_id'))
  const accessor = textIn(body, 'mount_accessor')
  if (!entity || accessor !== state.userpassAccessor) throw new Error('it knows aliases of userpass alone')
  const alias = { id: randomUUID(), name: textIn(body, 'name'), accessor, created: new Date().toISOString() }
  entity.aliases.push(alias)
  return found({ canonical_id: entity.id, id: alias.id })
}

function describe(entity: Entity) {
  const aliases = entity.aliases.map(alias => ({
    canonical_id: entity.id,
    creation_time: alias.created,
    custom_metadata: {},
    id: alias.id,
    metadata: null,
    mount_accessor: alias.accessor,
    mount_path: 'auth/userpass/',
    mount_type: 'userpass',
    name: alias.name,
  }))
  return {
    aliases,
    creation_time: entity.created,
    disabled: false,
    id: entity.id,
    metadata: entity.metadata,
    name: entity.name,
    namespace_id: 'root',
    policies: [],
  }
}
