import type { FieldProblem } from '../domain/errors.ts'
import { AllowedPlaceholder, type Credentials } from '../domain/secret.ts'
import { type Decryption, decryptPrivateKey } from '../lib/decrypt-private-key.ts'
import type { SourceType } from './source-type.ts'

/**
 * Checks that the passphrase of each encrypted private key decrypts it. `changed`: the fields that an update changes; a
 * key is checked if it or its passphrase is one of them.
 */
export async function checkPassphrases(
  type: SourceType,
  credentials: Credentials,
  changed: readonly string[] = Object.keys(type.fields),
): Promise<readonly FieldProblem[]> {
  const problems: FieldProblem[] = []
  for (const [name, { passphraseOf: keyName }] of Object.entries(type.fields)) {
    if (keyName === undefined || !(changed.includes(name) || changed.includes(keyName))) continue
    const [key, passphrase] = [textOf(credentials, keyName), textOf(credentials, name)]
    if (key === undefined || credentials[name] instanceof AllowedPlaceholder) continue
    const message = MESSAGES[await decryptPrivateKey(key, passphrase)](keyName, passphrase !== undefined)
    if (message) problems.push({ field: name, message })
  }
  return problems
}

const MESSAGES: Readonly<Record<Decryption, (key: string, given: boolean) => string | undefined>> = {
  decrypted: () => undefined,
  unknown: () => undefined,
  'wrong passphrase': key => `does not decrypt ${key}`,
  'passphrase missing': key => `is required, because ${key} is encrypted`,
  'not encrypted': (key, given) => (given ? `is set, but ${key} is not encrypted: omit or unset it` : undefined),
}

function textOf(credentials: Credentials, name: string): string | undefined {
  const secret = Object.hasOwn(credentials, name) ? credentials[name] : undefined
  const value = secret instanceof AllowedPlaceholder ? undefined : secret?.reveal()
  return typeof value === 'string' ? value : undefined
}
