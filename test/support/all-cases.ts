/** Whether this is `npm run test:all`, where tests try every case of a long list. `npm test` tries a few. */
export const ALL_CASES = process.env.DSCTL_TEST_CASES === 'all'

/** All cases in `npm run test:all`; in `npm test` the first and then every `oneIn`th. */
export function someOf<T>(cases: readonly T[], oneIn: number): readonly T[] {
  return ALL_CASES ? cases : cases.filter((_, index) => index % oneIn === 0)
}
