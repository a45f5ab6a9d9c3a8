import { DsctlError } from '../domain/errors.ts'
import type { VaultClient, VaultResponse } from './client.ts'

/**
 * A client for requests without a token, to which an agent or proxy may add its own. Throws `unauthenticated` if the
 * first answer shows that none does.
 */
export function withoutToken(client: VaultClient): VaultClient {
  let accepted = false
  const check = async (request: Promise<VaultResponse>) => {
    const response = await request
    accepted ||= response.ok
    if (!accepted && !response.ok && isRefused(response)) throw noTokenError()
    return response
  }
  return {
    ...client,
    read: path => check(client.read(path)),
    write: (path, body) => check(client.write(path, body)),
    remove: path => check(client.remove(path)),
  }
}

function isRefused({ status, errors }: { status: number; errors: readonly string[] }): boolean {
  return status === 401 || status === 403 || (status === 400 && errors.some(text => /missing client token/i.test(text)))
}

function noTokenError(): DsctlError {
  return new DsctlError('unauthenticated', 'No Vault token found.', {
    hint: 'Run dsctl login or vault login, or set VAULT_TOKEN, or set VAULT_ROLE_ID and VAULT_SECRET_ID.',
  })
}
