import { expect, test } from 'vitest'
import { isSecretSource, parseSecretSource, secretSourceProblem } from '../../../src/source-types/secret-source.ts'

test('the four forms are parsed', () => {
  expect(parseSecretSource('-')).toEqual({ kind: 'stdin' })
  expect(parseSecretSource('@./key file.pem')).toEqual({ kind: 'file', path: './key file.pem' })
  expect(parseSecretSource('env:DSCTL_SECRET_A1')).toEqual({ kind: 'env', name: 'DSCTL_SECRET_A1' })
  expect(parseSecretSource('vault:kv/team/db#password')).toEqual({
    kind: 'vault',
    path: 'kv/team/db',
    field: 'password',
  })
})

test.each(
  [
    ['', 'hunter2', '--', '@', 'env:', 'env:1A', 'env:A-B', 'env:A=b', 'ENV:A', 'file:x', ' -', '- '],
    [
      'vault:kv',
      'vault:kv#f',
      'vault:kv/a',
      'vault:kv/a#',
      'vault:/a#f',
      'vault:kv//a#f',
      'vault:kv/../a#f',
      'vault:a/.#f',
    ],
    ['vault:a/b#c#d', '@a\0b', '@a\n', 'vault:a/b#c\n'],
  ].flat(),
)('%j is no source', text => expect(isSecretSource(text)).toBe(false))

test('a problem does not quote the source', () => {
  const problem = secretSourceProblem('hunter2', 'flag')
  expect(problem).toContain("visible to other processes and in the shell's history")
  expect(problem).not.toContain('hunter2')
  expect(secretSourceProblem('hunter2', 'file')).not.toContain('hunter2')
  expect(secretSourceProblem('-', 'flag')).toBeUndefined()
})
