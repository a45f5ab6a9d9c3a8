import { expect, test } from 'vitest'
import { checkEnv, checkName } from '../../../src/source-types/check-name.ts'

test.each([
  ['Production PostgreSQL', 'Production PostgreSQL'],
  ['  padded  ', 'padded'],
  ['x', 'x'],
  ['é'.repeat(255), 'é'.repeat(255)],
  ['🙂'.repeat(255), '🙂'.repeat(255)],
])('a valid name is accepted (%#)', (raw, value) => expect(checkName(raw)).toEqual({ value }))

test.each([
  ['', 'must not be empty'],
  ['   ', 'must not be empty'],
  ['x'.repeat(256), 'must have at most 255 characters'],
  ['a\nb', 'must not contain control characters or line breaks'],
  ['a\u001bb', 'must not contain control characters or line breaks'],
  [undefined, 'is required'],
  [null, 'is required'],
  [12, 'must be a string: quote it'],
  [['x'], 'must be a string, not a list'],
])('an invalid name is rejected (%#)', (raw, message) =>
  expect(checkName(raw)).toEqual({ problem: { field: 'name', message } }),
)

test.each(['dev', 'prod-1', 'a.b_C', 'x'.repeat(64), '0'])('the env %s is accepted', env => {
  expect(checkEnv(env)).toEqual({ value: env })
})

test.each(['', 'x'.repeat(65), 'a b', 'ä', 'a/b', 'dev\n', ' dev'])('an invalid env is rejected (%#)', env => {
  const message = 'must be 1 to 64 letters, digits, ".", "_" or "-"'
  expect(checkEnv(env)).toEqual({ problem: { field: 'env', message } })
})

test.each([undefined, null, 3, true, {}])('the env %j is rejected as not a string', env => {
  expect(checkEnv(env)).toHaveProperty('problem.field', 'env')
})
