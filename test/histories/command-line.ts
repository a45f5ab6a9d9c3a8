import type { Command, Item, Name, Ref } from './history.ts'
import type { CommandRun, HistoryRun } from './history-run.ts'

/** The --timeout of each command, in seconds. Commands use a virtual clock, so this takes no real time. */
export const TIMEOUT = 40

/** The host and port of every source that exists at the start. */
export const INITIAL = { host: 'h0', port: 5432 }

export function argsOf({ command, host, port }: CommandRun, present: HistoryRun['present']): string[] {
  return [...verbAndOptions(command, { host, port, present }), '--timeout', String(TIMEOUT), '-o', 'json']
}

function verbAndOptions(
  command: Command,
  { host, port, present }: Pick<CommandRun, 'host' | 'port'> & Pick<HistoryRun, 'present'>,
): string[] {
  const fields = { host: ['--host', host], port: ['--port', String(port)] }
  const rest = ['--username', 'u', '--password', 'env:PASSWORD', '--default-database', 'd']
  if (command.kind === 'doctor') return ['doctor', '--fix']
  if (command.kind === 'apply') return ['apply', '-f', '-']
  if (command.kind === 'create')
    return ['create', command.name, '--env', 'dev', '--type', 'postgres', ...fields.host, ...fields.port, ...rest]
  const ref = idOf(command.ref, present) ?? command.ref
  if (command.kind === 'delete') return ['delete', ref, '--yes']
  const name = command.name ? ['--set-name', command.name] : []
  return ['update', ref, ...command.fields.flatMap(field => fields[field]), ...name]
}

/** The standard input of an apply; undefined for any other command. */
export function stdinOf({ command, host }: CommandRun): string | undefined {
  if (command.kind !== 'apply') return undefined
  const rest = { env: 'dev', type: 'postgres', username: 'u', password: 'secret', default_database: 'd' }
  return JSON.stringify(command.items.map(item => ({ name: item.name, host: hostOf(host, item), ...rest })))
}

/** The host in a request of an apply. `host` is the one that belongs to the command. */
export function hostOf(host: string, item: Item): string {
  return item.host === 'initial' ? INITIAL.host : `${host}-${item.name}`
}

/** The id that a ref such as `#a` means; an unknown id if that source did not exist, undefined if the ref is a name. */
export function idOf(ref: Ref, present: HistoryRun['present']): string | undefined {
  if (!ref.startsWith('#')) return undefined
  return present[ref.slice(1) as Name] ?? '00000000-0000-4000-8000-000000000000'
}
