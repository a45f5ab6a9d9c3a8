import type { Agent, RequestOptions, request } from 'node:http'

/** A proxy to reach Vault through. */
export interface HttpProxy {
  /** Without a login. */
  readonly url: string
  readonly authorization: string | undefined
  readonly variable: string
}

/** Sends requests to one kind of server: by HTTP or HTTPS, directly, through a socket or through a proxy. */
export interface Sender {
  readonly request: typeof request
  readonly agent: Agent
  /** Options that are added to each request. */
  readonly options?: RequestOptions
  readonly proxy?: HttpProxy
  /** The name that the certificate must be for, if it is not that of the host. */
  readonly certificateName?: string | undefined
  /** Closes connections that are still being opened, which the agent does not know yet. */
  readonly abort?: () => void
}
