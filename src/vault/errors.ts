import { DsctlError, invalid, UnavailableError } from '../domain/errors.ts'

/** The transport got no answer. `delivered` says whether the request may have reached Vault. */
export class NoResponse extends Error {
  readonly delivered: 'no' | 'maybe'
  readonly host: string
  readonly code: string

  constructor(delivered: 'no' | 'maybe', host: string, reason: unknown) {
    super('No answer from Vault.')
    this.delivered = delivered
    this.host = host
    const { code, message } = reason as { code?: unknown; message?: unknown }
    this.code = typeof code === 'string' ? code : message === 'time-out' ? 'ETIMEDOUT' : ''
  }
}

/** A status that is no success, with the texts of Vault's `errors`. */
export interface ErrorResponse {
  readonly status: number
  readonly errors: readonly string[]
  readonly body: unknown
}

/**
 * Reads what node-vault threw: its ApiResponseError as a Refusal, the transport's NoAnswer as UnavailableError, which
 * is thrown. Nothing of the error itself is passed on.
 */
export function toErrorResponse(error: unknown): ErrorResponse {
  if (error instanceof NoResponse) throw noAnswer(error)
  const response = (error as { response?: { statusCode?: unknown; body?: unknown } }).response
  if (typeof response?.statusCode !== 'number') throw new Error('node-vault failed without a response.')
  const errors = (response.body as { errors?: unknown } | undefined)?.errors
  return {
    status: response.statusCode,
    errors: Array.isArray(errors) ? errors.filter(text => typeof text === 'string') : [],
    body: response.body,
  }
}

/** What a refusal means where the caller has no better word for it. `doing` is for instance `read the credentials`. */
export function vaultError({ status, errors }: ErrorResponse, doing: string): DsctlError {
  if (status === 503) {
    const sealed = errors.some(text => /sealed/i.test(text))
    // A load balancer says so of a request, too, that it has passed on and lost.
    return new UnavailableError(
      sealed ? 'no' : 'maybe',
      sealed ? 'Vault is sealed.' : 'Vault is not available (503).',
      {
        hint: sealed ? 'Unseal it: vault operator unseal.' : AGAIN,
      },
    )
  }
  if (status === 429)
    return new UnavailableError('no', 'Vault takes no more requests at the moment (429).', { hint: AGAIN })
  if (status === 412 || status === 408)
    return new UnavailableError(status === 412 ? 'no' : 'maybe', `Vault is not ready for it yet (${status}).`, {
      hint: AGAIN,
    })
  // KV says so of a mount that was made a moment ago, and of each where a node has just become the active one.
  if (status === 400 && errors.some(text => /unavailable for a brief period/i.test(text)))
    return new UnavailableError('no', 'The Vault mount is not ready yet (400).', { hint: AGAIN })
  if (status >= 500)
    return new UnavailableError('maybe', `Vault could not ${doing}: it answered ${status}.`, { hint: AGAIN })
  if (status === 403) {
    return new DsctlError('forbidden', `Vault does not allow this token to ${doing}.`, {
      hint: 'Its policies must allow it: dsctl init --check names what they lack. See docs/setup-servers.md, "Vault policies".',
    })
  }
  if (status === 401) {
    return new DsctlError('unauthenticated', `What answers for Vault wants another login to ${doing} (401).`, {
      hint: 'A proxy before it may want one of its own: check vault.addr, which dsctl config list shows.',
    })
  }
  if (status === 413) {
    return new DsctlError('invalid', `Vault could not ${doing}: it takes nothing so large (413).`, {
      hint: 'Give less, or have its limit raised: max_request_size, or that of a proxy before it.',
    })
  }
  return new DsctlError('invalid', `Vault could not ${doing}: it answered ${status}.`, {
    hint: 'Check vault.addr, vault.mount and vault.path: dsctl config list shows them.',
  })
}

/** Vault knows the token no more. `tokenFrom` says what to do: logging in helps nobody whose VAULT_TOKEN goes before. */
export function tokenRejected(tokenFrom: string | undefined): DsctlError {
  const anew =
    tokenFrom === 'VAULT_TOKEN'
      ? 'Set VAULT_TOKEN anew, or unset it and log in (dsctl login)'
      : 'Log in again (dsctl login, or vault login)'
  return new DsctlError(
    'unauthenticated',
    'Vault does not accept the token: it is invalid or has expired, or it has no default policy.',
    { hint: `${tokenFrom === 'VAULT_ROLE_ID' ? 'Let' : `${anew}, or let`} its policy read auth/token/lookup-self.` },
  )
}

/** What to make of an answer that Vault does not give. */
export function notVaultError(): DsctlError {
  return invalid(
    'What answers at the Vault address does not answer as Vault does.',
    [],
    'Check vault.addr, mostly without a path, as in https://vault.example.com:8200, and vault.namespace: dsctl config list.',
  )
}

const AGAIN = 'Try again in a moment.'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'it did not answer in time',
  ECONNRESET: 'the connection was cut',
  EPROTO: 'it does not speak TLS',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
}

function noAnswer({ delivered, host, code }: NoResponse): UnavailableError {
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
  const why = certificate
    ? 'its TLS certificate was not accepted'
    : (REASONS[code] ?? (code || 'the connection failed'))
  return new UnavailableError(delivered, `Vault at ${host} cannot be reached: ${why}.`, {
    hint: certificate
      ? 'Set VAULT_CACERT to the certificate of its authority.'
      : 'Check VAULT_ADDR and that Vault runs.',
  })
}
