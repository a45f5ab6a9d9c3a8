import { WentBack } from './prompt-exit.ts'

/** Asks one question. `earlier` is the answer that the user gave before they went back to it. */
export type Ask = <T>(key: string, question: (earlier: T | undefined) => Promise<T>) => Promise<T>

/** A series of questions in which the user can go back. */
export interface Dialogue {
  /**
   * Runs `work`, which asks the questions. When the user goes back, forgets the last answer and runs `work` again;
   * questions that have an answer are not asked again. So `work` must do nothing but ask, and each question needs a
   * unique key.
   */
  run<T>(work: (ask: Ask) => Promise<T>): Promise<T>
  /**
   * Forgets the last answer, after a run has ended. `revise` returns the current value of an answer changed elsewhere.
   */
  reopen(revise: (key: string, answer: unknown) => unknown): void
}

/** If `leave` is true, going back from the first question throws `WentBack`. Otherwise that question is asked again. */
export function openDialogue({ leave = false } = {}): Dialogue {
  const answers = new Map<string, unknown>()
  const earlier = new Map<string, unknown>()
  let asked: string[] = []

  async function ask<T>(key: string, question: (earlier: T | undefined) => Promise<T>): Promise<T> {
    if (!answers.has(key)) answers.set(key, await question(earlier.get(key) as T | undefined))
    asked.push(key)
    return answers.get(key) as T
  }

  function forgetLast(): boolean {
    const last = asked.pop()
    if (last === undefined) return false
    earlier.set(last, answers.get(last))
    return answers.delete(last)
  }

  return {
    async run(work) {
      for (;;) {
        asked = []
        try {
          return await work(ask)
        } catch (error) {
          if (!(error instanceof WentBack) || (!forgetLast() && leave)) throw error
        }
      }
    },
    reopen(revise) {
      for (const key of asked) answers.set(key, revise(key, answers.get(key)))
      forgetLast()
    },
  }
}

/** Asks each question once. The user cannot go back. */
export const askOnce: Ask = (_, question) => question(undefined)
