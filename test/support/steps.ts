import type { ChildProcess } from 'node:child_process'
import type { Verdict } from './faults.ts'
import type { ProxiedSite } from './proxied-site.ts'

/** A message of an operation, and how to find it among all messages. */
export interface Step {
  readonly title: string
  readonly server: 'postgres' | 'vault'
  readonly which: RegExp
}

/** The steps of each operation, in order; the last one of a create or an update is what makes it have happened. */
export const STEPS = {
  create: [
    { title: 'begin', server: 'postgres', which: /dsctl begin create/ },
    { title: 'write secret', server: 'vault', which: /^POST .*\/data\// },
    { title: 'commit', server: 'postgres', which: /dsctl commit create/ },
  ],
  update: [
    { title: 'begin', server: 'postgres', which: /dsctl begin update/ },
    { title: 'read secret', server: 'vault', which: /^GET .*\/data\// },
    { title: 'record base version', server: 'postgres', which: /dsctl record base version/ },
    { title: 'write secret', server: 'vault', which: /^POST .*\/data\// },
    { title: 'commit', server: 'postgres', which: /dsctl commit update/ },
  ],
  delete: [
    { title: 'begin', server: 'postgres', which: /dsctl begin delete/ },
    { title: 'remove secret', server: 'vault', which: /^DELETE / },
    { title: 'close', server: 'postgres', which: /dsctl close intents/ },
  ],
} as const satisfies Record<string, readonly Step[]>

export type When = 'before' | 'after'

/** Each step of an operation twice: before the server handles it, and before its answer arrives. */
export function moments(operation: keyof typeof STEPS): { at: string; step: Step; when: When }[] {
  const whens: When[] = ['before', 'after']
  return STEPS[operation].flatMap(step => whens.map(when => ({ at: `${when} ${step.title}`, step, when })))
}

/** Kills the process at a step. A message that has not been handled yet is lost. */
export function killAt(
  proxied: ProxiedSite,
  { step, when }: { step: Step; when: When },
  child: () => ChildProcess,
): void {
  atStep(proxied, { step, when }, () => {
    child().kill('SIGKILL')
    return 'cut'
  })
}

/** Calls a function at the first message of a step only. */
export function atStep(
  proxied: ProxiedSite,
  { step, when }: { step: Step; when: When },
  act: () => Verdict | undefined | Promise<Verdict | undefined>,
): void {
  let met = false
  const once = () => {
    if (met) return undefined
    met = true
    return act()
  }
  if (step.server === 'postgres') proxied.postgres.at(step.which, { [when]: once })
  else proxied.vault.at(step.which, { [when]: once })
}
