import { rmSync } from 'node:fs'
import type { Logins } from '../ports/logins.ts'
import { type Connect, isRootToken, logIn, revokeOwnToken } from './login.ts'
import { writeTokenFile } from './token-file.ts'

/** Logging in and out, with the token in the file that the vault CLI uses too. */
export function vaultLogins(connect: Connect, kept: { path: string; read: () => string | undefined }): Logins {
  return {
    async logIn(request) {
      const { token, ttl } = await logIn(connect, request)
      writeTokenFile(kept.path, token)
      return { ttl, file: kept.path }
    },
    async savedTokenIsRoot() {
      const token = kept.read()
      return token !== undefined && isRootToken(await connect(token))
    },
    async logOut() {
      const token = kept.read()
      if (token === undefined) return 'none'
      const revoked = await revokeOwnToken(await connect(token))
      rmSync(kept.path, { force: true })
      return revoked ? 'revoked' : 'refused'
    },
  }
}
