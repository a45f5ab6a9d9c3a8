import * as z from 'zod/mini'

/** Makes a zod check from a function that returns the problem with a value, or undefined. */
export function zodCheck<T>(problem: (value: T) => string | undefined) {
  return z.superRefine<T>((value, context) => {
    const message = problem(value)
    if (message) context.addIssue({ code: 'custom', message })
  })
}
