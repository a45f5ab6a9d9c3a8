import type { Call, Json, Reply } from './call.ts'
import { DONE, errors, found, notImplemented, objectIn } from './call.ts'
import type { Key, Mount, Version } from './state.ts'

/** Handles a request to a KV version 2 mount. The call's path is relative to the mount. */
export function answerKv2(mount: Mount, call: Call): Reply {
  const [, verb = '', name = ''] = /^([^/]*)\/?(.*)$/.exec(call.path) ?? []
  const key = mount.keys.get(name)
  switch (`${call.operation} ${verb}`) {
    case 'read config':
      return found({ cas_required: false, delete_version_after: mount.deleteAfter, max_versions: mount.maxVersions })
    case 'create config':
    case 'update config':
      mount.deleteAfter = String(call.body.delete_version_after ?? mount.deleteAfter)
      mount.maxVersions = Number(call.body.max_versions ?? mount.maxVersions)
      return DONE
    case 'read data':
      return readVersion(key, call.query)
    case 'create data':
    case 'update data':
      return write(mount, name, call.body)
    case 'delete data':
      return mark(key, key ? [key.current] : [], deleteVersion)
    case 'create delete':
    case 'update delete':
      return markNamed(key, call.body, deleteVersion)
    case 'create destroy':
    case 'update destroy':
      return markNamed(key, call.body, destroyVersion)
    case 'create undelete':
    case 'update undelete':
      return markNamed(key, call.body, undeleteVersion)
    case 'list metadata':
      return listKeys(mount, name)
    case 'read metadata':
      return key ? found(metadata(key)) : errors(404)
    case 'create metadata':
    case 'update metadata':
      return writeMetadata(mount, name, call.body)
    case 'delete metadata':
      mount.keys.delete(name)
      return DONE
    default:
      return notImplemented(call)
  }
}

/** Whether a write to the path needs the capability `update`, not `create`. */
export function keyExists(mount: Mount, path: string): boolean {
  if (mount.version === 1) return mount.keys.has(path)
  const [, verb = '', name = ''] = /^([^/]*)\/?(.*)$/.exec(path) ?? []
  return (verb !== 'data' && verb !== 'metadata') || mount.keys.has(name)
}

function readVersion(key: Key | undefined, query: URLSearchParams): Reply {
  const asked = query.get('version') ?? '0'
  if (!/^\d+$/.test(asked)) return errors(400, 'Field validation failed: error converting input for field "version"')
  const number = Number(asked) || key?.current
  const version = number === undefined ? undefined : key?.versions.get(number)
  if (!key || !number || !version) return errors(404)
  const gone = version.destroyed || version.deleted !== ''
  return found({ data: gone ? null : version.data, metadata: versionMetadata(key, number, version) }, gone ? 404 : 200)
}

function write(mount: Mount, name: string, body: Json): Reply {
  if (!('data' in body)) return errors(400, 'no data provided')
  const { cas } = objectIn(body, 'options')
  if (cas !== undefined && typeof cas !== 'number') return errors(400, 'error parsing check-and-set parameter')
  const existing = mount.keys.get(name)
  if (cas !== undefined && cas !== (existing?.current ?? 0))
    return errors(400, 'check-and-set parameter did not match the current version')
  const key = existing ?? newKey(mount, name)
  key.current += 1
  key.updated = now()
  const version: Version = { created: key.updated, deleted: '', destroyed: false, data: body.data }
  key.versions.set(key.current, version)
  const kept = key.maxVersions || mount.maxVersions || 10
  for (const number of key.versions.keys()) if (number <= key.current - kept) key.versions.delete(number)
  return found(versionMetadata(key, key.current, version))
}

function newKey(mount: Mount, name: string): Key {
  const created = now()
  const key = { created, updated: created, current: 0, maxVersions: 0, customMetadata: null, versions: new Map() }
  mount.keys.set(name, key)
  return key
}

function versionMetadata(key: Key, number: number, version: Version): Json {
  return {
    created_time: version.created,
    custom_metadata: key.customMetadata,
    deletion_time: version.deleted,
    destroyed: version.destroyed,
    version: number,
  }
}

function markNamed(key: Key | undefined, body: Json, change: (version: Version) => void): Reply {
  const numbers = Array.isArray(body.versions) ? body.versions.map(Number) : []
  return numbers.length ? mark(key, numbers, change) : errors(400, 'No version number provided')
}

function mark(key: Key | undefined, numbers: number[], change: (version: Version) => void): Reply {
  for (const number of numbers) {
    const version = key?.versions.get(number)
    if (version) change(version)
  }
  return DONE
}

function deleteVersion(version: Version): void {
  if (!version.destroyed && !version.deleted) version.deleted = now()
}

function undeleteVersion(version: Version): void {
  if (!version.destroyed) version.deleted = ''
}

function destroyVersion(version: Version): void {
  version.destroyed = true
  version.data = null
}

/** The names in a folder. Names of folders end with a slash. */
export function listKeys(mount: Mount, folder: string): Reply {
  const prefix = folder && `${folder.replace(/\/$/, '')}/`
  const inside = [...mount.keys.keys()].filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length))
  const keys = [...new Set(inside.map(name => name.replace(/\/.*$/, '/')))].sort()
  return keys.length ? found({ keys }) : errors(404)
}

function metadata(key: Key): Json {
  const versions = [...key.versions].map(([number, { created, deleted, destroyed }]) => [
    String(number),
    { created_time: created, deletion_time: deleted, destroyed },
  ])
  return {
    cas_required: false,
    created_time: key.created,
    current_version: key.current,
    custom_metadata: key.customMetadata,
    delete_version_after: '0s',
    max_versions: key.maxVersions,
    oldest_version: key.versions.has(1) ? 0 : (key.versions.keys().next().value ?? 0),
    updated_time: key.updated,
    versions: Object.fromEntries(versions),
  }
}

function writeMetadata(mount: Mount, name: string, body: Json): Reply {
  const key = mount.keys.get(name) ?? newKey(mount, name)
  if (typeof body.max_versions === 'number') key.maxVersions = body.max_versions
  if (body.custom_metadata) key.customMetadata = objectIn(body, 'custom_metadata')
  return DONE
}

function now(): string {
  return new Date().toISOString()
}
