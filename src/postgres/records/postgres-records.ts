import type { Kysely } from 'kysely'
import type { Caller, Denied } from '../../ports/caller.ts'
import type { BatchResult } from '../../ports/record-steps.ts'
import type { RecordBatches, Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { analyzeAfterLoad } from '../sql/analyze.ts'
import { onlyResult } from '../sql/conflict.ts'
import { explainDenial } from '../sql/explain-denial.ts'
import { withSpellings } from '../sql/spellings.ts'
import { beginCreates, commitCreates } from './create.ts'
import { beginDeletes } from './delete.ts'
import { find, findName } from './find.ts'
import { findNamed, unsettledSince } from './find-named.ts'
import { closeAll, findIntent, moveToUndoing } from './intents.ts'
import { list, listAll, listEnvs } from './list.ts'
import { beginUpdates, commitUpdates, recordBaseVersions } from './update.ts'
import { updatePlain } from './update-plain.ts'

/** The records and intents in Postgres. `client`: host and version of this process, for the audit trail. */
export function postgresRecords(db: Kysely<Database>, client: string): Records {
  const explainBatchDenial = async <A>(
    { action, caller, items }: { action: string; caller: Caller; items: readonly unknown[] },
    run: () => Promise<BatchResult<A>>,
  ): Promise<BatchResult<A | Denied>> => {
    const answer = await explainDenial(db, { caller, client, action }, run)
    return typeof answer === 'object' && 'kind' in answer ? items.map(() => answer) : answer
  }
  const afterWrite = analyzeAfterLoad(db)
  const batches: RecordBatches = {
    beginCreates: (caller, creates) =>
      explainBatchDenial({ action: 'create', caller, items: creates }, () =>
        beginCreates(db, client, { caller, creates }),
      ),
    commitCreates: async rows => {
      const finished = await commitCreates(db, rows)
      await afterWrite(rows.length)
      return finished
    },
    beginUpdates: (caller, updates) =>
      explainBatchDenial({ action: 'update', caller, items: updates }, () =>
        beginUpdates(db, client, { caller, updates }),
      ),
    recordBaseVersions: versions => recordBaseVersions(db, versions),
    commitUpdates: updates => commitUpdates(db, updates),
    beginDeletes: (caller, removes) =>
      explainBatchDenial({ action: 'delete', caller, items: removes }, () =>
        beginDeletes(db, client, { caller, removes }),
      ),
    closeAll: closings => closeAll(db, closings),
  }
  return withSpellings<Records>({
    ...batches,
    list: (caller, query, audit) => list(db, client, { caller, query, audit }),
    listAll: (caller, filter, onPage) => listAll(db, { caller, filter, onPage }),
    listEnvs: caller => listEnvs(db, caller),
    find: (caller, ref, { audit } = {}) => find(db, client, { caller, ref, audit }),
    findName: (caller, name, audit) => findName(db, client, { caller, name, audit }),
    findNamed: (caller, names, audit) =>
      explainDenial(db, { caller, client, action: audit }, () => findNamed(db, client, { caller, names, audit })),
    unsettledSince: (ids, at) => unsettledSince(db, ids, at),
    beginCreate: async (caller, create) => onlyResult(await batches.beginCreates(caller, [create])),
    commitCreate: async (intentId, type) => onlyResult(await batches.commitCreates([{ intentId, type }])),
    updatePlain: (caller, update) =>
      explainDenial(db, { caller, client, action: 'update' }, () => updatePlain(db, client, { caller, update })),
    beginUpdate: async (caller, update) => onlyResult(await batches.beginUpdates(caller, [update])),
    recordBaseVersion: async (intentId, version) =>
      onlyResult(await batches.recordBaseVersions([{ intentId, version }])),
    commitUpdate: async (intentId, fields) => onlyResult(await batches.commitUpdates([{ intentId, fields }])),
    beginDelete: async (caller, remove) => onlyResult(await batches.beginDeletes(caller, [remove])),
    findIntent: id => findIntent(db, id),
    moveToUndoing: id => moveToUndoing(db, id),
    close: async intent => onlyResult(await batches.closeAll([intent])),
  })
}
