import { DsctlError, invalid, UnavailableError } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import { cannotBeReached, NoResponse } from './no-response.ts'
import { isRedirect } from './redirection.ts'

/** A response with an error status. */
export interface ErrorResponse {
  readonly status: number
  /** The texts in the body's `errors`. */
  readonly errors: readonly string[]
  readonly body: unknown
}

/**
 * Converts an error of node-vault. Returns a response with an error status; throws UnavailableError for NoResponse.
 * Drops the original error, because it holds secrets.
 */
export function toErrorResponse(error: unknown): ErrorResponse {
  if (error instanceof NoResponse) throw cannotBeReached(error)
  if (error instanceof DsctlError) throw error
  const response = (error as { response?: { statusCode?: unknown; body?: unknown } }).response
  if (typeof response?.statusCode !== 'number') throw new Error('node-vault failed without a response.')
  const errors = valueAt(response.body, 'errors')
  return {
    status: response.statusCode,
    errors: Array.isArray(errors) ? errors.filter(text => typeof text === 'string') : [],
    body: response.body,
  }
}

/**
 * The error for a response that has no special meaning to the caller. `action` is, for example, `read the credentials`.
 */
export function vaultError(response: ErrorResponse, action: string): DsctlError {
  return unavailable(response, action) ?? rejected(response.status, action)
}

function unavailable({ status, errors }: ErrorResponse, action: string): UnavailableError | undefined {
  if (status === 503 && errors.some(text => /sealed/i.test(text))) {
    return new UnavailableError('no', 'Vault is sealed.', { hint: 'Unseal it: vault operator unseal.' })
  }
  const hint = 'Try again in a moment.'
  // 'maybe': a load balancer also returns 503 if the connection to Vault broke after it had forwarded the request.
  if (status === 503) return new UnavailableError('maybe', 'Vault is not available (503).', { hint })
  if (status === 429) return new UnavailableError('no', 'Vault is rate limiting (429).', { hint })
  if (status === 412) return new UnavailableError('no', 'Vault is not ready yet (412).', { hint })
  if (status === 408) return new UnavailableError('maybe', 'Vault is not ready yet (408).', { hint })
  // KV returns this for a new mount, and for every mount after a node has become the active one.
  if (status === 400 && errors.some(text => /unavailable for a brief period/i.test(text))) {
    return new UnavailableError('no', 'The Vault mount is not ready yet (400).', { hint })
  }
  if (isRedirect(status)) {
    return new UnavailableError('maybe', `Vault answered with a redirect that is not followed (${status}).`, {
      hint: 'Set vault.addr to the active node. A redirect to plain http is never followed, and none with VAULT_DISABLE_REDIRECTS.',
    })
  }
  if (status < 500) return undefined
  return new UnavailableError('maybe', `Vault could not ${action}: it answered ${status}.`, { hint })
}

function rejected(status: number, action: string): DsctlError {
  if (status === 403) {
    return new DsctlError('forbidden', `Vault does not allow this token to ${action}.`, {
      hint: 'Run dsctl init --check to see what its policies lack. docs/setup-servers.md has the policies.',
    })
  }
  if (status === 401) {
    return new DsctlError('unauthenticated', `The server at vault.addr requires a login to ${action} (401).`, {
      hint: 'A proxy in front of Vault may require its own login. Run dsctl config list to check vault.addr.',
    })
  }
  if (status === 413) {
    return new DsctlError('invalid', `Vault could not ${action}: the request is too large (413).`, {
      hint: 'Send less, or raise the limit: max_request_size in Vault, or that of a proxy in front of it.',
    })
  }
  return new DsctlError('invalid', `Vault could not ${action}: it answered ${status}.`, {
    hint: 'Run dsctl config list to check vault.addr, vault.mount and vault.path.',
  })
}

/** The source of the token. Undefined means the token file. It decides the hint of `tokenRejected`. */
export type TokenSource = string | undefined

/** The error for a token that Vault does not accept. */
export function tokenRejected(source: TokenSource): DsctlError {
  const message = 'Vault does not accept the token: it is invalid or has expired, or it lacks the default policy.'
  return new DsctlError('unauthenticated', message, { hint: tokenHint(source) })
}

function tokenHint(source: TokenSource): string {
  if (source === 'VAULT_ROLE_ID') return 'Add read on auth/token/lookup-self to the policy of the AppRole.'
  const newToken =
    source === 'VAULT_TOKEN' || source === 'BAO_TOKEN'
      ? `Set ${source} to a valid token, or unset it and run dsctl login`
      : 'Log in again with dsctl login or vault login'
  return `${newToken}, or add read on auth/token/lookup-self to its policy.`
}

/** The error for a response that cannot come from Vault. */
export function notVaultError(): DsctlError {
  return invalid(
    'The server at vault.addr does not respond like Vault.',
    [],
    'Run dsctl config list to check vault.namespace and vault.addr, which usually has no path: https://vault.example.com:8200.',
  )
}
