import { randomUUID } from 'node:crypto'
import { plainFields, plainStored } from './examples.ts'
import type { Site } from './site.ts'
import type { STEPS } from './steps.ts'

export type Kind = keyof typeof STEPS
export interface Operation {
  readonly kind: Kind
  readonly name: string
  readonly args: readonly string[]
  readonly stdin?: string
  /** The live record with this name and its secret, before and after. */
  readonly was: object | undefined
  readonly becomes: object | undefined
}

/** Prepares an operation, with a record to update or delete. */
export async function beginOperation(site: Site, kind: Kind): Promise<Operation> {
  const name = `${kind} ${randomUUID()}`
  const pair = (secret: object) => ({ name, env: 'dev', type: 'postgres', secret })
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
  if (kind === 'create') {
    return { kind, name, args: ['create', '-f', '-'], stdin, was: undefined, becomes: pair(plainStored) }
  }
  const id = await site.addDataSource({ name })
  await site.vault.writeSecret(`data-sources/${id}`, plainStored)
  const was = pair(plainStored)
  if (kind === 'delete') return { kind, name, args: ['delete', name, '--yes'], was, becomes: undefined }
  return { kind, name, args: ['update', name, '--port', '7000'], was, becomes: pair({ ...plainStored, port: 7000 }) }
}
