import { expect, test } from 'vitest'
import { findClosest } from '../../src/lib/did-you-mean.ts'

const words = ['host', 'port', 'username', 'default_database', 'ssh_private_key', 'ssh_private_key_passphrase']

test.each([
  ['hsot', 'host'],
  ['prot', 'port'],
  ['pot', 'port'],
  ['usrname', 'username'],
  ['user_name', 'username'],
  ['Default-Database', 'default_database'],
  ['defaultdatabase', 'default_database'],
  ['ssh_privat_key', 'ssh_private_key'],
])('%s is corrected to %s', (typed, meant) => expect(findClosest(typed, words)).toBe(meant))

test.each(['', 'x', 'banana', 'hs'])('%j has no suggestion', typed => {
  expect(findClosest(typed, words)).toBeUndefined()
})

test('the closest of several candidates is suggested', () => {
  expect(findClosest('hosts', ['ports', 'horst', 'host'])).toBe('host')
})

test('a very long word has no suggestion', () => {
  expect(findClosest('host'.repeat(10_000), words)).toBeUndefined()
})
