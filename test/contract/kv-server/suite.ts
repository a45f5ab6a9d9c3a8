import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { VAULT } from '../../support/configured-servers.ts'
import { kvServer } from '../../support/kv-server.ts'
import { type ScratchVault, vaultOn } from '../../support/vault.ts'

// The requests that dsctl relies on. They run against our KV server and, if configured, against OpenBao itself.

export const NOT_FOUND = { status: 404, body: { errors: [] } }
export const MISMATCH = {
  status: 400,
  body: { errors: ['check-and-set parameter did not match the current version'] },
}
export const FORBIDDEN = { status: 403, body: { errors: ['permission denied'] } }
export const NOT_PERMITTED = { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } }
export const DONE = { status: 204, body: {} }

const openbao = VAULT
const SERVERS: readonly { name: string; start: () => Promise<{ addr: string; rootToken: string }> }[] = [
  { name: 'our KV server', start: kvServer },
  ...(openbao ? [{ name: 'OpenBao', start: async () => openbao }] : []),
]

export interface KvSuite {
  readonly vault: ScratchVault
  /** The path of a KV version 2 mount. */
  readonly mount: string
}

/** Declares the tests for each server, with a mount of their own. */
export function onEachServer(tests: (suite: KvSuite) => void): void {
  describe.each(SERVERS)('$name', ({ start }) => {
    let vault: ScratchVault
    beforeAll(async () => {
      vault = await vaultOn(await start(), `dsctl-test-contract-${randomUUID()}`)
    })
    afterAll(() => vault.drop())
    tests({
      get vault() {
        return vault
      },
      get mount() {
        return vault.mount
      },
    })
  })
}
