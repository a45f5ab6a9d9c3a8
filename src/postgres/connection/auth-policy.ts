import { DsctlError } from '../../domain/errors.ts'

/** The parameters require_auth and channel_binding: how the server may authenticate this client. */
export interface AuthPolicy {
  readonly requiredMethods: RequiredMethods | undefined
  readonly channelBinding: 'disable' | 'prefer' | 'require'
}

export interface RequiredMethods {
  readonly names: readonly string[]
  /** If true, `names` are the methods that are not allowed. */
  readonly negated: boolean
}

const METHODS: Readonly<Record<string, string>> = {
  password: 'the password in clear text',
  md5: 'an MD5 hash of the password',
  gss: 'a GSSAPI login',
  sspi: 'an SSPI login',
  'scram-sha-256': 'a SCRAM login',
  oauth: 'an OAuth login',
  none: 'no password',
}

/** The value of require_auth; undefined if there is none, or if it is not valid. */
export function parseRequiredMethods(value: string | undefined): RequiredMethods | undefined {
  const items = (value ?? '').split(',').map(item => item.trim())
  const names = items.map(item => item.replace(/^!/, ''))
  const negated = items.filter(item => item.startsWith('!')).length
  const isValid = names.every(name => Object.hasOwn(METHODS, name)) && (negated === 0 || negated === items.length)
  return isValid ? { names, negated: negated > 0 } : undefined
}

/** How the server authenticates this client. */
export interface AuthRequest {
  /** The method, named as in require_auth. `none` if the server requires no authentication. */
  readonly method: string
  /** Whether the login is bound to the TLS connection. */
  readonly bound: boolean
}

/** The reason why the login must stop; undefined if it may continue. Call this before the password is sent. */
export function authRefusal(policy: AuthPolicy, { method, bound }: AuthRequest, target: string) {
  const { requiredMethods: required, channelBinding } = policy
  const asked = METHODS[method] ?? 'a login of an unknown kind'
  if (required && required.names.includes(method) === required.negated) {
    return new DsctlError(
      'unauthenticated',
      `Postgres at ${target} asks for ${asked}, which require_auth does not allow.`,
      {
        hint: 'The password was not sent. Check that this is your server and that its pg_hba.conf is correct, or change require_auth.',
      },
    )
  }
  if (channelBinding === 'require' && !bound) {
    return new DsctlError(
      'unauthenticated',
      `Postgres at ${target} asks for ${asked} without channel binding, which channel_binding requires.`,
      {
        hint: 'The password was not sent. Connect with TLS to a server that uses scram-sha-256, or change channel_binding.',
      },
    )
  }
  if (UNSUPPORTED.includes(method)) {
    return new DsctlError('unauthenticated', `Postgres at ${target} asks for ${asked}, which dsctl does not support.`, {
      hint: 'Use a user with a password or a client certificate.',
    })
  }
  return undefined
}

const UNSUPPORTED = ['gss', 'sspi', 'oauth', 'other']
