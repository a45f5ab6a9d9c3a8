import type { InputContext } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { commonSecretPath } from '../domain/secret-path.ts'
import { vaultLocation } from '../settings/vault-location.ts'

/** Which secret sources a request file may use. The file may come from someone else, for example in a pull request. */
export interface SourcePolicy {
  /** The path of the request file: `@FILE` must be in the same folder. `-` is standard input, which has no folder. */
  readonly requestFile: string
  /** Patterns of sources that the user also allows: `env:DS_*`, `vault:kv/team/*`, `@/etc/secrets/*`. */
  readonly allow: readonly string[]
  /** Files with dsctl's own credentials. */
  readonly credentialFiles: readonly string[]
  /** The prefix that the Vault paths of all data sources share, for example `secret/data-sources/`. */
  readonly ownSecrets: string
}

/** Returns the policy for a request file, including what `--allow-from` and the settings allow. Throws `invalid`. */
export function readSourcePolicy(
  context: InputContext,
  requestFile: string,
  allowFrom: readonly string[] = [],
): SourcePolicy {
  const settings = context.settings()
  const ofSettings = (settings.get('secrets.allowFrom') ?? '').split(/\s+/).filter(text => text !== '')
  const allow = [...allowFrom, ...ofSettings]
  if (!allow.every(isPattern)) {
    const message = 'must be a source, in which * matches any text: env:DS_*, vault:kv/team/* or @/etc/secrets/*'
    throw invalid('Invalid command line.', [{ field: 'allow-from', message }])
  }
  const { mount, path } = vaultLocation(settings)
  return {
    requestFile,
    allow,
    credentialFiles: context.credentialFiles(),
    ownSecrets: `${mount}/${commonSecretPath(path)}`,
  }
}

/** Whether one of the patterns allows a source. */
export function isAllowed(source: string, allow: readonly string[]): boolean {
  return allow.some(pattern => matches(pattern, source))
}

/** Whether a source matches a pattern in which `*` matches any text. */
export function matches(pattern: string, source: string): boolean {
  const parts = pattern.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(source)
}

/** Whether a string is a pattern for sources. It may contain `*`. */
function isPattern(text: string): boolean {
  return /^(env:[\w*]+|vault:[^#\s]+(#[^#\s]+)?|@.+)$/.test(text)
}
