import type { LiveRecord } from '../../ports/health.ts'
import { permitted } from '../authorize.ts'
import { type BadSecret, checkSecrets } from './check-secrets.ts'
import { checkInterrupted, count, type Finding, type OrganizationExamination, ok, summarize } from './finding.ts'
import { explainOrphans } from './orphan-secrets.ts'

/**
 * Compares the live records with the secrets, page by page. Then reports where secrets without a live record come from.
 */
export async function compareStores(exam: OrganizationExamination): Promise<readonly Finding[]> {
  const list = await exam.health.secrets.list(exam.organizationId)
  if (!list) return [cannotList()]
  const stored = new Set(list)
  const lacking = new Map<string, string>()
  const wrong: BadSecret[] = []
  let compared = 0
  let checked = 0
  let all = 0
  for await (const { records, total } of livePages(exam)) {
    all = total ?? all
    const present = records.filter(({ secretId }) => stored.has(secretId))
    for (const record of records) if (!stored.has(record.secretId)) lacking.set(record.id, label(record))
    const report = (checked: number) => exam.onProgress(compared + checked, Math.max(all, compared + records.length))
    if (exam.deep) wrong.push(...(await checkSecrets(exam, present, report)))
    compared += records.length
    checked += new Set(present.map(({ secretId }) => secretId)).size
    report(0)
    for (const { secretId } of present) stored.delete(secretId)
    checkInterrupted(exam)
  }
  const without = lacking.size ? await stillMissing(exam, lacking) : lacking
  return [
    without.size === 0
      ? ok('credentials', `All live records have a secret (${count(compared, 'record')}).`)
      : missingFinding(without),
    ...(exam.deep ? [deepFinding(wrong, checked)] : []),
    ...(await explainOrphans(exam, [...stored])),
  ]
}

async function* livePages({ stores, health }: OrganizationExamination) {
  for (let after: string | undefined; ; ) {
    const page = permitted(await health.records.liveRecords(stores.caller, after))
    if (page.records.length === 0) return
    yield page
    after = page.records.at(-1)?.id
  }
}

/**
 * Returns the records that still have no secret. If a record was created after the secrets were listed, its secret is
 * found now. If a record was being deleted, it is no longer live.
 */
async function stillMissing(
  exam: OrganizationExamination,
  lacking: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const stored = new Set(await exam.health.secrets.list(exam.organizationId))
  const without = new Map<string, string>()
  for await (const { records } of livePages(exam)) {
    const still = records.filter(({ id, secretId }) => lacking.has(id) && !stored.has(secretId))
    for (const record of still) without.set(record.id, label(record))
    checkInterrupted(exam)
  }
  return without
}

function label({ name, env }: LiveRecord): string {
  return `${name} (${env})`
}

function missingFinding(without: ReadonlyMap<string, string>): Finding {
  return {
    check: 'credentials',
    status: 'problem',
    message: `${count(without.size, 'live record')} without a secret: ${summarize([...without.values()])}.`,
    fix: 'Run dsctl update ID with all its fields to write the secret again.',
    items: [...without.keys()],
  }
}

function deepFinding(wrong: readonly BadSecret[], checked: number): Finding {
  if (wrong.length === 0) return ok('secrets', `All secrets are valid for their types (${count(checked, 'secret')}).`)
  return {
    check: 'secrets',
    status: 'problem',
    message: `${count(wrong.length, 'secret')} not valid for the type: ${summarize(wrong.map(({ record, why }) => `${label(record)}, ${why}`))}.`,
    fix: 'Run dsctl update ID with the missing or wrong fields. Correct a wrong type with vault kv patch.',
    items: wrong.map(({ record }) => record.id),
  }
}

function cannotList(): Finding {
  const message = 'The Vault token is not allowed to list secrets, so records and secrets were not compared.'
  return {
    check: 'credentials',
    status: 'warning',
    message,
    fix: 'Add list on the metadata path to the token’s policy.',
    items: [],
  }
}
