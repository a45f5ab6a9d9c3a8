import type { ConnectionSettings } from './settings.ts'

export type Encryption = 'tls' | 'plain'

/**
 * How to connect, in the order of attempts, as in libpq: `allow` first tries without TLS, `prefer` with TLS. A socket
 * is never encrypted. libpq's default is `prefer`; dsctl saves a round trip if the server is on this machine. Source:
 * PostgreSQL documentation, "SSL Support", table of modes.
 */
export function encryptionAttempts({ address, tls }: ConnectionSettings): readonly Encryption[] {
  if ('path' in address) return ['plain']
  switch (tls.mode ?? (isLocal(address.host) ? 'allow' : 'prefer')) {
    case 'disable':
      return ['plain']
    case 'allow':
      return ['plain', 'tls']
    case 'prefer':
      return ['tls', 'plain']
    default:
      return ['tls']
  }
}

function isLocal(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)
}
