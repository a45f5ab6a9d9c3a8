import { isLoopback } from '../lib/loopback.ts'
import { isExcludedFromProxy, type ProxyTarget } from './no-proxy.ts'
import { invalidVariable, type VaultVariable, vaultVariable } from './vault-variable.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A proxy to reach Vault through. */
export interface ProxySetting {
  /** Without the login, so that it may be printed: `http://proxy.example.com:3128`. */
  readonly url: string
  /** The value of Proxy-Authorization. */
  readonly authorization: string | undefined
  /** The variable that names the proxy. */
  readonly variable: string
}

/** The properties of a server that decide which proxy applies. */
export interface ProxiedServer extends ProxyTarget {
  readonly isSecure: boolean
}

/**
 * The choice of a proxy for each server; undefined if no variable names one. VAULT_PROXY_ADDR and VAULT_HTTP_PROXY
 * apply to every server, HTTPS_PROXY and HTTP_PROXY unless NO_PROXY excludes it. A proxy is never used for this
 * machine.
 */
export function vaultProxies(env: Environment): ((server: ProxiedServer) => ProxySetting | undefined) | undefined {
  const everywhere = vaultVariable(env, 'PROXY_ADDR') ?? vaultVariable(env, 'HTTP_PROXY')
  const forHttps = everywhere ?? systemVariable(env, 'HTTPS_PROXY')
  const forHttp = everywhere ?? systemVariable(env, 'HTTP_PROXY')
  if (!forHttps && !forHttp) return undefined
  const noProxy = everywhere ? undefined : systemVariable(env, 'NO_PROXY')
  return server => {
    const variable = server.isSecure ? forHttps : forHttp
    if (!variable || isLoopback(server.hostname)) return undefined
    return noProxy && isExcludedFromProxy(noProxy.value, server) ? undefined : parseProxy(variable)
  }
}

function systemVariable(env: Environment, name: string): VaultVariable | undefined {
  for (const spelled of [name, name.toLowerCase()]) {
    const value = env[spelled]
    if (value) return { name: spelled, value }
  }
  return undefined
}

function parseProxy(variable: VaultVariable): ProxySetting {
  const text = variable.value.includes('://') ? variable.value : `http://${variable.value}`
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) throw invalidProxy(variable)
  const { protocol, host, username, password } = new URL(text)
  const login = decode(`${username}:${password}`)
  if (login === undefined) throw invalidProxy(variable)
  const authorization = login === ':' ? undefined : `Basic ${Buffer.from(login).toString('base64')}`
  return { url: `${protocol}//${host}`, authorization, variable: variable.name }
}

function invalidProxy(variable: VaultVariable): Error {
  return invalidVariable(
    variable,
    'must look like http://proxy.example.com:3128 or https://…; in a user or password, write special characters as %XX',
  )
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
