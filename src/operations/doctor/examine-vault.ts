import { DsctlError } from '../../domain/errors.ts'
import { formatDuration } from '../../lib/duration.ts'
import type { VaultCheck } from '../../ports/setup.ts'
import { mountUnseen } from '../init.ts'
import { couldNotCheck, type Finding, isRefusal, type OrganizationExamination, ok } from './finding.ts'

/**
 * Checks the mount, the token's permissions and lifetime, and how many versions are kept. `usable`: false if the mount
 * could not be checked, so that secrets cannot be listed either.
 */
export async function examineVault(
  exam: OrganizationExamination,
): Promise<{ findings: readonly Finding[]; usable: boolean }> {
  try {
    const { missing, token, hiddenMount } = await exam.checkVault(exam.organizationId)
    if (hiddenMount !== undefined) throw mountUnseen(hiddenMount)
    const lacks = missing.map(lacking)
    const findings = [
      ...(lacks.length ? lacks : [ok('vault', token ? MOUNT_OK : 'The secrets can be read and written.')]),
      ...(token ? [timeLeft(token.ttl)] : []),
      await versions(exam),
    ]
    return { findings, usable: true }
  } catch (error) {
    if (!(error instanceof DsctlError) || !isRefusal(error)) throw error
    return { findings: [couldNotCheck('vault', error)], usable: false }
  }
}

const MOUNT_OK = 'The mount is KV version 2, and the token has all permissions it needs.'

function lacking({ path, capabilities }: VaultCheck['missing'][number]): Finding {
  const message = `The Vault token lacks ${capabilities.join(', ')} on ${path}.`
  return { check: 'vault', status: 'problem', message, fix: 'See docs/setup-servers.md, "Vault policies".', items: [] }
}

/** In seconds. A token that expires sooner gets a warning. */
const SHORT_TTL = 300

function timeLeft(ttl: number | undefined): Finding {
  if (ttl === undefined) return ok('token', 'The Vault token does not expire.')
  const message = `The Vault token expires in ${formatDuration(ttl)}.`
  return ttl >= SHORT_TTL
    ? ok('token', message)
    : { check: 'token', status: 'warning', message, fix: 'dsctl login', items: [] }
}

async function versions({ health }: OrganizationExamination): Promise<Finding> {
  const kept = await health.secrets.retention()
  if (kept === undefined) {
    const message = 'The mount’s limit of versions per secret is unknown.'
    return {
      check: 'versions',
      status: 'warning',
      message,
      fix: 'Add read on MOUNT/config to the token’s policy.',
      items: [],
    }
  }
  const { versions, deleteAfter } = kept
  if (deleteAfter !== undefined)
    return { check: 'versions', status: 'problem', ...deletionProblem(deleteAfter), items: [] }
  if (versions >= 3) return ok('versions', `The mount keeps ${versions} versions of each secret.`)
  const message = `The mount keeps ${versions} versions of each secret: after a crash, the outcome of an update may stay unknown.`
  return { check: 'versions', status: 'warning', message, fix: 'vault write MOUNT/config max_versions=10', items: [] }
}

/** The problem with a mount that deletes secrets by itself, and what to do. */
export function deletionProblem(deleteAfter: string, mount = 'MOUNT'): { message: string; fix: string } {
  return {
    message: `The mount deletes credentials ${deleteAfter} after they are written (delete_version_after).`,
    fix:
      `Run vault write ${mount}/config delete_version_after=0s. Secrets that exist keep their end: write each again, ` +
      'for example with vault kv patch.',
  }
}
