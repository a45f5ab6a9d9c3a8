/** What a proxy does in place of passing a message on: cut the connection, or say nothing and keep it open. */
export type Verdict = 'cut' | 'swallow'

/**
 * What goes wrong at one message. `before` runs when it has arrived and before the server sees it, `after` when the
 * server has answered and before the client sees that; each may take its time. `A` is an answer the proxy may give
 * itself instead.
 */
export interface Fault<M, A = never> {
  before?(message: M): Verdict | A | undefined | Promise<Verdict | A | undefined>
  after?(message: M): Verdict | A | undefined | Promise<Verdict | A | undefined>
}

/** Which message: the n-th from now on (1 is the next), or each whose text matches. */
export type Which = number | RegExp

/** The server never sees the message, and the connection breaks. */
export const CUT_BEFORE = { before: () => 'cut' as const }

/** The server does what the message says; its answer is lost and the connection breaks. */
export const CUT_AFTER = { after: () => 'cut' as const }

/** The server does what the message says; the answer never comes, and the connection stays. */
export const SWALLOW_ANSWER = { after: () => 'swallow' as const }

/** The server never sees the message; the answer never comes, and the connection stays. */
export const SWALLOW = { before: () => 'swallow' as const }

/** The message arrives late by so many milliseconds, and arrives even if its sender is gone by then. */
export function delay(ms: number) {
  return { before: () => new Promise<undefined>(resolve => setTimeout(resolve, ms, undefined)) }
}

/** The message is held until `release` is called, and arrives then even if its sender is gone. */
export function hold() {
  let release = () => {}
  const released = new Promise<undefined>(resolve => {
    release = () => resolve(undefined)
  })
  return { before: () => released, release }
}

/** Calls a function (to kill the client, say, or to write meanwhile) before or after the message takes effect. */
export function call<M>(when: 'before' | 'after', hook: (message: M) => unknown) {
  const run = async (message: M): Promise<undefined> => {
    await hook(message)
    return undefined
  }
  return when === 'before' ? { before: run } : { after: run }
}

interface Armed<M, A> {
  readonly which: Which
  readonly since: number
  readonly fault: Fault<M, A>
}

/** Keeps what has been seen and what is to go wrong; a proxy asks it at each message. */
export function faultPlan<M, A = never>(text: (message: M) => string) {
  const seen: M[] = []
  let armed: Armed<M, A>[] = []
  const faultsAt = (message: M) => {
    const number = seen.indexOf(message) + 1
    return armed.filter(({ which, since }) =>
      typeof which === 'number' ? number === since + which : number > since && which.test(text(message)),
    )
  }
  const ask = async (message: M, when: 'before' | 'after'): Promise<Verdict | A | undefined> => {
    for (const { fault } of faultsAt(message)) {
      const verdict = await fault[when]?.(message)
      if (verdict !== undefined) return verdict
    }
    return undefined
  }
  return {
    seen,
    ask,
    /** Counts from the messages seen so far. */
    at: (which: Which, fault: Fault<M, A>) => {
      armed.push({ which, since: seen.length, fault })
    },
    clear: () => {
      armed = []
    },
  }
}

/** Shut while a proxy is frozen: whoever awaits `open()` waits until it is thawed. */
export function gate() {
  let closed: Promise<void> | undefined
  let release = () => {}
  return {
    open: async () => {
      await closed
    },
    freeze() {
      closed ??= new Promise<void>(resolve => {
        release = resolve
      })
    },
    thaw() {
      closed = undefined
      release()
    },
  }
}
