import { UnavailableError } from '../domain/errors.ts'

/**
 * The same store (or an object of stores), except that an answer without the expected content is not reported as a bug
 * of dsctl: a broken or hostile server may send anything that its protocol permits.
 */
export function explainUnreadableAnswers<Store extends object>(server: string, store: Store): Store {
  const explained = Object.entries(store).map(([name, value]) => [name, explain(server, value)])
  return Object.fromEntries(explained) as Store
}

function explain(server: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return explainUnreadableAnswers(server, value)
  if (typeof value !== 'function') return value
  return async (...args: unknown[]) => {
    try {
      return await value(...args)
    } catch (error) {
      throw isUnreadable(error) ? unreadableAnswer(server) : error
    }
  }
}

// Errors that are thrown by reading a property, a number, a date or JSON if the content is not as expected.
function isUnreadable(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError
}

function unreadableAnswer(server: string): UnavailableError {
  return new UnavailableError('maybe', `${server} sent an answer that dsctl cannot read.`, {
    hint: `Check that the address is that of ${server}, and that nothing between changes its answers.`,
  })
}
