import { readFile } from 'node:fs/promises'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { DsctlError } from '../domain/errors.ts'
import { type EmbeddedHome, homeFailure, requirePrivate } from './home.ts'
import { writeFileSafely } from './write-file.ts'

/** Encrypts and decrypts with the age identity of the home. */
export interface AgeKeys {
  encrypt(text: string): Promise<Uint8Array>
  /** Throws if the bytes are damaged or were encrypted with another identity. */
  decrypt(bytes: Uint8Array): Promise<string>
}

/**
 * Reads the age identity of the home. If the file is missing and `mayCreate` is true, creates it, readable only by its
 * owner. Throws `unavailable` if the file is missing and `mayCreate` is false, or if it is damaged.
 */
export async function openAgeKeys(home: EmbeddedHome, { mayCreate }: { mayCreate: boolean }): Promise<AgeKeys> {
  const identity = (await readIdentity(home)) ?? (await createIdentity(home, { mayCreate }))
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

async function createIdentity(home: EmbeddedHome, { mayCreate }: { mayCreate: boolean }): Promise<string> {
  if (!mayCreate) throw identityError(home, 'is missing')
  const identity = await generateX25519Identity()
  await writeFileSafely(home.identity, `${identity}\n`)
  return identity
}

function identityError({ identity }: EmbeddedHome, what: string): DsctlError {
  return new DsctlError('unavailable', `The identity file ${identity} ${what}.`, {
    outcome: 'none',
    hint: 'Restore it from a backup. Without it the secrets cannot be decrypted.',
  })
}
