import { UnavailableError } from '../domain/errors.ts'

/**
 * Wraps a store, or an object of stores, so that a response without the expected content is not reported as a bug in
 * dsctl: a broken or hostile server may send anything that its protocol permits.
 */
export function explainUnreadableAnswers<Store extends object>(server: string, store: Store): Store {
  const explained = Object.entries(store).map(([name, value]) => [name, explain(server, value)])
  return Object.fromEntries(explained) as Store
}

function explain(server: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return explainUnreadableAnswers(server, value)
  if (typeof value !== 'function') return value
  // A method that returns no promise, such as the path of a secret, reads no answer of the server.
  return (...args: unknown[]) => {
    const result: unknown = value(...args)
    return result instanceof Promise ? result.catch(error => throwExplained(server, error)) : result
  }
}

function throwExplained(server: string, error: unknown): never {
  throw isUnreadable(error) ? unreadableAnswer(server) : error
}

// Errors that are thrown by reading a property, a number, a date or JSON if the content is not as expected.
function isUnreadable(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError
}

function unreadableAnswer(server: string): UnavailableError {
  return new UnavailableError('maybe', `${server} sent a response that dsctl cannot read.`, {
    hint: `Check that the address is that of ${server}, and that no proxy in between changes its responses.`,
  })
}
