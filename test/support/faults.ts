/** What a proxy does instead of forwarding a message: close the connection, or keep it open without answering. */
export type Verdict = 'cut' | 'swallow'

/**
 * A fault at one message. `before` runs before the message is forwarded to the server, `after` before the answer is
 * forwarded to the client; both may delay it. `A` is an answer that the proxy sends itself instead.
 */
export interface Fault<M, A = never> {
  before?(message: M): Verdict | A | undefined | Promise<Verdict | A | undefined>
  after?(message: M): Verdict | A | undefined | Promise<Verdict | A | undefined>
}

/** Selects messages: the n-th from now on (1 is the next), or each whose text matches. */
export type Which = number | RegExp

/** The message is lost, and the connection closes. */
export const CUT_BEFORE = { before: () => 'cut' as const }

/** The server handles the message; the answer is lost, and the connection closes. */
export const CUT_AFTER = { after: () => 'cut' as const }

/** The server handles the message; the answer is lost, and the connection stays open. */
export const SWALLOW_ANSWER = { after: () => 'swallow' as const }

/** The message is lost, and the connection stays open. */
export const SWALLOW = { before: () => 'swallow' as const }

/** Delays the message by a number of milliseconds. It arrives even if its sender has exited. */
export function delay(ms: number) {
  return { before: () => new Promise<undefined>(resolve => setTimeout(resolve, ms, undefined)) }
}

/** Holds the message until `release` is called. It then arrives even if its sender has exited. */
export function hold() {
  let release = () => {}
  const released = new Promise<undefined>(resolve => {
    release = () => resolve(undefined)
  })
  return { before: () => released, release }
}

/** Calls a function before or after the message takes effect, for example to kill the client or to write. */
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

/** The messages that a proxy has seen, and the faults that are armed. */
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
    /** Counts from the messages that were seen before. */
    at: (which: Which, fault: Fault<M, A>) => {
      armed.push({ which, since: seen.length, fault })
    },
    clear: () => {
      armed = []
    },
  }
}

/** A gate that is closed while a proxy is frozen: `open()` resolves when it is thawed. */
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
