import { expect, test } from 'vitest'
import { hostProblem } from '../../../src/source-types/check-host.ts'

const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`

test.each([
  'localhost',
  'db.example.com',
  'DB-1.Example.com',
  'my_db',
  'db.example.com.',
  '10.0.0.1',
  '::1',
  '2001:db8::1',
  long,
])('%s is a valid host', host => expect(hostProblem(host)).toBeUndefined())

test.each([
  ['https://x.cloud.databricks.com/', 'x.cloud.databricks.com'],
  ['https://x.cloud.databricks.com:443/sql/1?o=2#a', 'x.cloud.databricks.com'],
  ['jdbc:postgresql://db.example.com:5432/main', 'db.example.com'],
  ['postgres://user:MARKER@db.example.com/main', 'db.example.com'],
  ['postgres://user:MAR/KER@db.example.com:5432', 'db.example.com'],
  ['db.example.com:5432', 'db.example.com'],
  ['db.example.com/path', 'db.example.com'],
  ['db.example.com,1433', 'db.example.com'],
  ['db.example.com\\INSTANCE', 'db.example.com'],
  [' db.example.com ', 'db.example.com'],
  ['[2001:db8::1]:5432', '2001:db8::1'],
])('%s is rejected with the suggestion %s', (typed, meant) => {
  const problem = hostProblem(typed)
  expect(problem).toMatch(/^must be a hostname or an IP address/)
  expect(problem).toContain(`did you mean "${meant}"?`)
  expect(problem).not.toMatch(/MAR|KER|user/)
})

test.each([
  'a b',
  '10.0.0.256',
  '1.2.3',
  '12345',
  '-a.com',
  'a-.com',
  'a..b',
  'münchen.example',
  'https://',
  ':::',
  'a\nb',
  '%',
])('%s is rejected without a suggestion', typed =>
  expect(hostProblem(typed)).toBe('must be a hostname or an IP address, without scheme, port, path or spaces'),
)

test('text next to an @ may be a password and is not quoted', () => {
  expect(hostProblem('user:pass@word')).not.toMatch(/user|pass|word/)
})

test('empty and too long hosts have their own messages', () => {
  expect(hostProblem(' ')).toBe('must not be empty')
  expect(hostProblem(`${long}d`)).toBe('must have at most 253 characters')
  expect(hostProblem('x'.repeat(1_000_000))).toBe('must have at most 253 characters')
})
