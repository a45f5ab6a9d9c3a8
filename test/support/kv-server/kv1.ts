import type { Call, Reply } from './call.ts'
import { DONE, envelope, errors, notImplemented } from './call.ts'
import { listKeys } from './kv2.ts'
import type { Mount } from './state.ts'

/** Handles a request to a KV version 1 mount, where a path is a key. */
export function answerKv1(mount: Mount, call: Call): Reply {
  const { path, body } = call
  switch (call.operation) {
    case 'read': {
      const data = mount.keys.get(path)?.versions.get(1)?.data
      return data ? { status: 200, body: envelope({ data, lease_duration: 2764800 }) } : errors(404)
    }
    case 'create':
    case 'update': {
      const created = new Date().toISOString()
      const versions = new Map([[1, { created, deleted: '', destroyed: false, data: body }]])
      mount.keys.set(path, { created, updated: created, current: 1, maxVersions: 0, customMetadata: null, versions })
      return DONE
    }
    case 'delete':
      mount.keys.delete(path)
      return DONE
    case 'list':
      return listKeys(mount, path)
    default:
      return notImplemented(call)
  }
}
