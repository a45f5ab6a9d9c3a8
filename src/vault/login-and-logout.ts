import type { Logins } from '../ports/logins.ts'
import { type Connect, describeUnrevoked, isRootToken, logIn, revokeOwnToken } from './login.ts'
import { removeTokenFile, writeTokenFile } from './token-file.ts'

/** The file that holds the token, the same as the vault CLI's. */
interface TokenFile {
  readonly path: string
  /** The token; undefined if there is none. */
  readonly read: () => string | undefined
}

const REVOKED = { outcome: 'revoked' } as const

export function vaultLogins(connect: Connect, file: TokenFile): Logins {
  return {
    async logIn(request) {
      const { token, ttl } = await logIn(connect, request)
      writeTokenFile(file.path, token)
      return { ttl, file: file.path }
    },
    async savedTokenIsRoot() {
      const token = file.read()
      return token !== undefined && isRootToken(await connect(token))
    },
    async logOut() {
      const token = file.read()
      if (token === undefined) return { outcome: 'none' }
      const client = await connect(token)
      const result = (await revokeOwnToken(client)) ? REVOKED : await describeUnrevoked(client)
      removeTokenFile(file.path)
      return result
    },
  }
}
