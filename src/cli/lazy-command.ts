import type { Command } from 'commander'

const definitions = new WeakMap<Command, () => Promise<void>>()

/** Postpones defining the options and the action of a command until the command is used. */
export function defineOnUse(command: Command, define: () => Promise<void>): void {
  definitions.set(command, define)
}

/** Defines a command now, if it is not defined yet. */
export async function defineNow(command: Command): Promise<void> {
  const define = definitions.get(command)
  definitions.delete(command)
  await define?.()
}
