import type { Site } from '../support/site.ts'
import { type Context, createContext, type Processes } from './context.ts'
import { choicesIn, deliver, lose, performEvent, settleAll } from './events.ts'
import type { History } from './history.ts'
import type { HistoryRun } from './history-run.ts'

/** Runs a history on real servers, then settles everything that is left unfinished. */
export async function runHistory(site: Site, history: History, processes: Processes): Promise<HistoryRun> {
  const context = await createContext(site, history, processes)
  try {
    for (const event of history.events) await performEvent(context, event)
    await runToEnd(context)
    await resolveLateMessages(context)
    const { present, runs, outsideWrites, settledAt, trace, doctors } = context
    return { present, runs, outsideWrites, settledAt, trace, doctors }
  } catch (error) {
    throw new Error(`${error}\n${context.trace.join('\n')}`, { cause: error })
  } finally {
    for (const client of context.clients) client.close()
  }
}

/** Lets every command run to its end, without more faults. */
async function runToEnd(context: Context): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    await context.quiet()
    context.moment++
    const all = choicesIn(context).filter(({ message }) => !message?.late)
    const withoutTimeouts = all.filter(({ client, message }) => message || !client.hanging)
    const preferred = withoutTimeouts.length ? withoutTimeouts : all
    const chosen = preferred[turn % preferred.length]
    if (!chosen) return
    await chosen.perform()
  }
  throw new Error('The commands do not finish.')
}

/** Each late message arrives before or after doctor has settled everything, or never. */
async function resolveLateMessages(context: Context): Promise<void> {
  const left = context.clients.flatMap(({ held }) => held)
  const arriving = (when: string) => left.filter((_, n) => (context.history.late[n] ?? 'never') === when)
  for (const message of arriving('never')) lose(context, message)
  for (const message of arriving('before doctor')) await deliver(context, message)
  await settleAll(context)
  for (const message of arriving('after doctor')) await deliver(context, message)
  if (arriving('after doctor').length) await settleAll(context)
}
