import type { LiveRecord } from '../../ports/health.ts'
import { permitted } from '../authorize.ts'
import { checkSecrets, type Wrong } from './check-secrets.ts'
import { type Finding, fine, goOn, type OfOrganization, told } from './finding.ts'
import { explainRest } from './orphan-secrets.ts'

/** Compares the live records with the secrets, page by page; what is left of the secrets is to be explained. */
export async function compareStores(exam: OfOrganization): Promise<readonly Finding[]> {
  const list = await exam.health.secrets.list(exam.organizationId)
  if (!list) return [cannotList()]
  const stored = new Set(list)
  const lacking = new Map<string, string>()
  const wrong: Wrong[] = []
  let compared = 0
  let all = 0
  for await (const { records, total } of pages(exam)) {
    all = total ?? all
    const present = records.filter(({ secretId }) => stored.has(secretId))
    for (const record of records) if (!stored.has(record.secretId)) lacking.set(record.id, label(record))
    const tell = (checked: number) => exam.progress(compared + checked, Math.max(all, compared + records.length))
    if (exam.deep) wrong.push(...(await checkSecrets(exam, present, tell)))
    compared += records.length
    tell(0)
    for (const { secretId } of present) stored.delete(secretId)
    goOn(exam)
  }
  const without = lacking.size ? await stillWithout(exam, lacking) : lacking
  return [
    without.size === 0 ? fine('credentials', `Each of ${compared} live records has its secret.`) : missing(without),
    ...(exam.deep ? [deepFinding(wrong, compared)] : []),
    ...(await explainRest(exam, [...stored])),
  ]
}

async function* pages({ stores, health }: OfOrganization) {
  for (let after: string | undefined; ; ) {
    const page = permitted(await health.records.records(stores.caller, after))
    if (page.records.length === 0) return
    yield page
    after = page.records.at(-1)?.id
  }
}

/**
 * Of the records that had no secret, those that have none now either: one that was created after the secrets were listed
 * has it by now, and one that is being deleted is not live any more.
 */
async function stillWithout(exam: OfOrganization, lacking: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const stored = new Set(await exam.health.secrets.list(exam.organizationId))
  const without = new Map<string, string>()
  for await (const { records } of pages(exam)) {
    const still = records.filter(({ id, secretId }) => lacking.has(id) && !stored.has(secretId))
    for (const record of still) without.set(record.id, label(record))
    goOn(exam)
  }
  return without
}

/** What a person calls it. */
function label({ name, env }: LiveRecord): string {
  return `${name} (${env})`
}

function missing(without: ReadonlyMap<string, string>): Finding {
  return {
    check: 'credentials',
    status: 'problem',
    message: `Live records without a secret: ${without.size}: ${told([...without.values()])}.`,
    fix: 'dsctl update ID, with all its fields, writes it anew.',
    items: [...without.keys()],
  }
}

function deepFinding(wrong: readonly Wrong[], compared: number): Finding {
  if (wrong.length === 0) return fine('secrets', `Each of ${compared} secrets is what its type needs.`)
  return {
    check: 'secrets',
    status: 'problem',
    message: `Not what their type needs: ${wrong.length}: ${told(wrong.map(({ record, why }) => `${label(record)}, ${why}`))}.`,
    fix: 'dsctl update ID, with what is missing or wrong.',
    items: wrong.map(({ record }) => record.id),
  }
}

function cannotList(): Finding {
  const message = 'The Vault token may not list the secrets, so records and secrets were not compared.'
  return { check: 'credentials', status: 'warning', message, fix: 'Let the policy list the metadata path.', items: [] }
}
