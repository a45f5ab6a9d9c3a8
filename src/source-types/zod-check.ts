import * as z from 'zod/mini'

/** Turns a function that says what is wrong with a value into a check. */
export function zodCheck<T>(problem: (value: T) => string | undefined) {
  return z.superRefine<T>((value, context) => {
    const message = problem(value)
    if (message) context.addIssue({ code: 'custom', message })
  })
}
