import type { ConnectionSettings } from './settings.ts'

export type Encryption = 'tls' | 'plain'

/**
 * How to connect, in the order of attempts, as in libpq: `allow` first tries without TLS, `prefer` with TLS. A socket is
 * never encrypted. The default is `prefer`, but on this machine the attempt without TLS comes first, which is faster.
 * Source: PostgreSQL documentation, "SSL Support", table of modes.
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
