import { readFile } from 'node:fs/promises'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { DsctlError } from '../domain/errors.ts'
import { type EmbeddedHome, homeFailure, requirePrivate } from './home.ts'
import { writeFileSafely } from './write-file.ts'

export interface AgeKeys {
  encrypt(text: string): Promise<Uint8Array>
  /** Throws where these keys do not decrypt it. */
  decrypt(bytes: Uint8Array): Promise<string>
}

/** The home's age identity, made at first use (`mayMake`), readable by its owner alone. */
export async function openAgeKeys(home: EmbeddedHome, mayMake: boolean): Promise<AgeKeys> {
  const identity = (await readIdentity(home)) ?? (await createIdentity(home, mayMake))
  const encrypter = new Encrypter()
  const decrypter = new Decrypter()
  try {
    encrypter.addRecipient(await identityToRecipient(identity))
    decrypter.addIdentity(identity)
  } catch {
    throw identityError(home, 'is damaged')
  }
  return { encrypt: text => encrypter.encrypt(text), decrypt: bytes => decrypter.decrypt(bytes, 'text') }
}

async function readIdentity({ identity, uid }: EmbeddedHome): Promise<string | undefined> {
  try {
    const text = await readFile(identity, 'utf8')
    requirePrivate(identity, uid)
    return text.trim()
  } catch (error) {
    if (error instanceof DsctlError) throw error
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw homeFailure(identity, error)
  }
}

async function createIdentity(home: EmbeddedHome, mayMake: boolean): Promise<string> {
  if (!mayMake) throw identityError(home, 'is missing, and without it the secrets cannot be decrypted')
  const identity = await generateX25519Identity()
  await writeFileSafely(home.identity, `${identity}\n`)
  return identity
}

function identityError({ identity }: EmbeddedHome, what: string): DsctlError {
  return new DsctlError('unavailable', `The identity file ${identity} ${what}.`, {
    outcome: 'none',
    hint: 'Restore it from a backup: nothing else decrypts the secrets.',
  })
}
